//! How fast a peer may present wrong credentials.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Most peers that are remembered; beyond it the one that was first seen is forgotten.
pub const PEERS_MAX: usize = 10_000;

/// The peer presents wrong credentials faster than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many wrong credentials; try again in {} s", self.seconds())]
pub struct TooMany {
    /// When the next attempt is counted as one.
    pub retry_after: Duration,
}

impl TooMany {
    /// The same in whole seconds, never too early: for the header `Retry-After`.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.retry_after.as_secs() + u64::from(self.retry_after.subsec_nanos() > 0)
    }
}

/// A token bucket per peer, for wrong credentials only: whoever presents the right ones never waits
/// for those who share the address, and a request without credentials is no guess.
#[derive(Debug)]
pub struct RateLimit {
    interval: Duration,
    burst: u32,
    /// When each peer's bucket is full again. One entry here is one entry in `seen`.
    full_at: HashMap<IpAddr, Instant>,
    seen: VecDeque<IpAddr>,
}

impl Default for RateLimit {
    /// Keptn 1.4's: one attempt a second, two at once.
    fn default() -> Self {
        Self::new(Duration::from_secs(1), 2)
    }
}

impl RateLimit {
    /// `burst` attempts at once, and one more after each `interval`.
    #[must_use]
    pub fn new(interval: Duration, burst: u32) -> Self {
        Self { interval, burst, full_at: HashMap::new(), seen: VecDeque::new() }
    }

    /// Counts a wrong credential. An attempt that is too many does not make the wait longer.
    ///
    /// # Errors
    /// [`TooMany`] where the peer has no attempt left.
    pub fn wrong(&mut self, peer: IpAddr, now: Instant) -> Result<(), TooMany> {
        let peer = bucket_of(peer);
        let known = self.full_at.get(&peer).copied();
        let full_at = known.map_or(now, |at| at.max(now)) + self.interval;
        let owed = full_at.duration_since(now);
        let allowed = self.interval * self.burst;
        if owed > allowed {
            return Err(TooMany { retry_after: owed - allowed });
        }
        if known.is_none() {
            self.make_room();
            self.seen.push_back(peer);
        }
        self.full_at.insert(peer, full_at);
        Ok(())
    }

    fn make_room(&mut self) {
        while self.seen.len() >= PEERS_MAX {
            if let Some(first) = self.seen.pop_front() {
                self.full_at.remove(&first);
            }
        }
    }
}

/// One customer of an IPv6 provider owns a /64 at least; an IPv4 address may come in IPv6 clothes.
fn bucket_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn peer(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_burst_is_allowed_then_one_attempt_a_second() {
        let (mut limit, start) = (RateLimit::default(), Instant::now());
        let mut wrong = |after: Duration| limit.wrong(peer("192.0.2.1"), start + after);
        assert!(wrong(Duration::ZERO).is_ok());
        assert!(wrong(Duration::ZERO).is_ok());
        assert_eq!(wrong(Duration::ZERO), Err(TooMany { retry_after: SECOND }));
        let half = SECOND / 2;
        let half_way = wrong(half).unwrap_err();
        assert_eq!(half_way, TooMany { retry_after: half });
        assert_eq!(half_way.to_string(), "too many wrong credentials; try again in 1 s");
        assert!(wrong(SECOND).is_ok());
        assert!(wrong(SECOND).is_err());
        // A long rest fills the bucket, and no further.
        let later = SECOND * 60;
        assert!(wrong(later).is_ok() && wrong(later).is_ok() && wrong(later).is_err());
    }

    #[test]
    fn peers_do_not_pay_for_each_other_but_neighbours_of_one_network_are_one() {
        let now = Instant::now();
        let ok = |limit: &mut RateLimit, text| limit.wrong(peer(text), now).is_ok();
        let mut limit = RateLimit::new(SECOND, 1);
        assert!(ok(&mut limit, "192.0.2.1"));
        assert!(!ok(&mut limit, "::ffff:192.0.2.1"));
        assert!(ok(&mut limit, "192.0.2.2"));
        assert!(ok(&mut limit, "2001:db8::1"));
        assert!(!ok(&mut limit, "2001:db8::ffff:1"));
        assert!(ok(&mut limit, "2001:db8:0:1::1"));
    }

    #[test]
    fn memory_is_bounded_and_the_first_seen_is_forgotten_first() {
        let (mut limit, now) = (RateLimit::new(SECOND, 1), Instant::now());
        let address = |n: usize| IpAddr::from(u32::try_from(n).unwrap().to_be_bytes());
        for n in 0..=PEERS_MAX {
            assert!(limit.wrong(address(n), now).is_ok());
        }
        assert_eq!((limit.full_at.len(), limit.seen.len()), (PEERS_MAX, PEERS_MAX));
        assert!(limit.wrong(address(1), now).is_err());
        assert!(limit.wrong(address(0), now).is_ok());
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_is_no_way_out() {
        let (mut limit, now) = (RateLimit::new(SECOND, 1), Instant::now() + SECOND * 10);
        assert!(limit.wrong(peer("192.0.2.1"), now).is_ok());
        assert!(limit.wrong(peer("192.0.2.1"), now).is_err());
        assert!(limit.wrong(peer("192.0.2.1"), now - SECOND).is_err());
    }
}
