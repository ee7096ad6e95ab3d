//! The contract as tests: every home passes all of them. A home calls [`contract!`] with its
//! [`Fixture`](crate::testing::Fixture), and each behaviour becomes a test of that home.

pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod census;
pub(crate) mod contexts;
pub(crate) mod integrations;
pub(crate) mod lanes;
pub(crate) mod listing;
pub(crate) mod log;
pub(crate) mod outbox;
pub(crate) mod overview;
pub(crate) mod people;
pub(crate) mod prune;
pub(crate) mod rows;
pub(crate) mod sagas;
pub(crate) mod search;
pub(crate) mod timers;
pub(crate) mod transaction;

macro_rules! contract {
    ($fixture:ty) => {
        $crate::suite::contract!($fixture;
            log: every_entry_reads_back_equal, an_entry_out_of_order_is_refused,
                lists_leave_out_what_the_trace_keeps, each_filter_narrows, pages_add_up,
                a_page_is_never_larger_than_the_limit, any_text_is_kept_and_found, the_root_is_the_first_listed_entry,
                what_is_not_there_is_an_empty_page, the_log_is_followed_from_any_number,
                what_was_said_last_of_a_task_is_found_however_much_was_said_of_others;
            rows: an_execution_reads_back_equal_in_every_state, open_executions_come_in_order,
                a_task_is_shown_while_it_is_open_and_kept_when_it_is_over, a_draining_task_is_shown_with_its_execution,
                rows_of_one_project_are_not_seen_in_another, the_head_holds_number_and_shipyard;
            approvals: an_approval_reads_back_equal_in_every_state,
                open_ones_come_in_the_order_asked, decided_ones_come_newest_decision_first,
                each_approval_filter_narrows_and_totals_agree,
                the_newest_of_a_place_come_newest_first;
            census: open_approvals_are_counted_by_stage_and_age,
                contexts_under_way_are_counted_by_state, what_waits_for_a_time_or_for_somebody_is_counted;
            contexts: a_context_reads_back_equal, contexts_come_newest_first,
                each_sequence_filter_narrows;
            search: each_part_of_a_search_narrows,
                pages_have_no_gap_and_no_repeat_while_new_ones_come,
                a_search_that_finds_nothing_gives_up_and_says_where_it_goes_on,
                states_are_merged_and_nothing_is_shown_beyond_what_is_known,
                whoever_waits_is_told_who_is_before;
            integrations: integrations_are_there_until_they_unregister_or_are_forgotten,
                a_change_of_integrations_is_undone_with_its_transaction,
                a_step_sees_who_is_registered, what_is_left_is_told_by_context_and_goes_with_it;
            lanes: the_least_position_is_the_front_of_ten_thousand, an_unknown_lane_is_empty,
                what_runs_reads_back_equal;
            outbox: open_events_come_newest_first_until_closed, a_delivery_id_is_never_used_again,
                each_part_is_handed_its_own_deliveries,
                a_cancelled_delivery_says_so;
            overview: a_service_stands_where_its_newest_run_and_deployment_say,
                evaluations_come_from_the_newest_deliveries_oldest_first,
                approvals_that_wait_are_counted_and_the_newest_are_read,
                services_are_narrowed_by_name_and_by_how_they_stand,
                projects_come_by_what_waits_and_moves_or_by_name,
                what_runs_where_is_listed_over_all_projects;
            timers: timers_come_earliest_first_and_are_replaced,
                expiries_are_left_out_where_they_are_not_asked_for,
                what_is_deferred_comes_back_once_and_in_order,
                what_is_put_aside_comes_newest_first;
            listing: each_execution_filter_narrows, an_execution_is_listed_where_it_stands,
                the_newest_event_of_each_type_takes_the_place_of_the_one_before;
            prune: what_ended_long_ago_is_forgotten_with_all_that_belongs_to_it,
                the_newest_entry_stays_and_the_numbers_go_on,
                a_limit_leaves_the_rest_for_the_next_time,
                an_aborted_one_stays_until_its_job_has_ended,
                a_project_is_deleted_with_all_that_belongs_to_it_once_nothing_is_under_way,
                events_without_a_project_are_forgotten_from_the_oldest_on;
            sagas: a_project_is_there_once_its_saga_is_complete,
                a_service_that_was_deleted_can_be_created_again,
                one_saga_at_a_time_and_none_for_what_exists, services_are_listed_by_name,
                an_undone_saga_leaves_its_report_only, the_reserved_project_is_never_listed,
                a_new_shipyard_replaces_the_old_one;
            people: a_sign_in_link_works_once, an_expired_link_or_session_is_none,
                signing_out_ends_the_session,
                tokens_are_listed_by_name_until_they_are_revoked,
                a_name_has_one_token_and_the_first_one_stays, an_answer_is_kept_until_it_expires,
                expiry_forgets_only_what_has_expired;
            audit: records_of_a_step_are_linked_in_the_chain_of_its_project,
                a_page_of_the_audit_log_begins_where_it_is_asked_to,
                chains_are_apart_and_listed_by_name,
                whatever_somebody_does_is_recorded_with_who_did_it,
                a_saga_is_recorded_by_who_began_it, a_rollback_leaves_no_gap_in_a_chain,
                the_audit_log_shows_what_was_committed_only,
                retention_leaves_the_audit_log_alone, checkpoints_are_kept_with_their_signatures;
            transaction: a_rollback_leaves_nothing, readers_see_only_what_was_committed,
                nothing_is_written_outside_of_a_transaction;
        );
    };
    ($fixture:ty; $($group:ident: $($behaviour:ident),+;)+) => {
        $(mod $group {
            use super::*;
            $(#[test]
            fn $behaviour() {
                $crate::suite::$group::$behaviour::<$fixture>();
            })+
        })+
    };
}

pub(crate) use contract;
