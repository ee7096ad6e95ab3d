//! Integrations as they look on the wire.

use utoipa::{IntoParams, ToSchema};

use crate::openapi::wire::Time;

/// Narrows a list of integrations. Each is compared as a whole.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it stands for a query in the document")]
pub(crate) struct Filters {
    /// Only the one with this id.
    id: Option<String>,
    /// Only those of this name.
    #[param(example = "lighthouse-service")]
    name: Option<String>,
    /// Only those of this namespace.
    namespace: Option<String>,
    /// Only those of this machine.
    hostname: Option<String>,
    /// Only those with a subscription that names this project.
    project: Option<String>,
    /// Only those with a subscription that names this stage.
    stage: Option<String>,
    /// Only those with a subscription that names this service.
    service: Option<String>,
}

/// An integration.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "it stands for a path in the document")]
pub(crate) struct IdPath {
    /// The id of the integration.
    #[param(example = "ea4caa30233315068a5d2e3e7bb480851379c1e9")]
    id: String,
}

/// A subscription of an integration.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "it stands for a path in the document")]
pub(crate) struct SubscriptionPath {
    /// The id of the integration.
    #[param(example = "ea4caa30233315068a5d2e3e7bb480851379c1e9")]
    id: String,
    /// The id of the subscription.
    #[param(min_length = 1, max_length = 253, example = "0c9f7a52-3d0e-4b8e-8f5e-7d1f4a6b2c13")]
    subscription: String,
}

/// An integration that is registered.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it stands for a record of the core in the document")]
pub(crate) struct Integration {
    /// SHA-1 of `<name>-<namespace>-<hostname>`, as of its first registration.
    #[schema(examples("ea4caa30233315068a5d2e3e7bb480851379c1e9"))]
    id: String,
    /// Its name.
    #[schema(examples("lighthouse-service"))]
    name: String,
    /// Where it runs, and what it is.
    metadata: IntegrationMetadata,
    /// What it is told of; null where that is nothing.
    #[schema(required)]
    subscriptions: Option<Vec<Subscription>>,
}

/// Where an integration runs, and what it is.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it stands for a record of the core in the document")]
pub(crate) struct IntegrationMetadata {
    /// The machine, for Kubernetes the node.
    #[schema(examples("node-1"))]
    hostname: String,
    /// Its version.
    #[schema(examples("1.4.0"))]
    integrationversion: String,
    /// The version of the distributor beside it.
    #[schema(examples("1.4.0"))]
    distributorversion: String,
    /// `control-plane` or `remote-execution-plane`.
    #[schema(examples("control-plane"))]
    location: String,
    /// Where in a Kubernetes.
    kubernetesmetadata: KubernetesMetadata,
    /// When it was heard of last. What is shown may lie back by a quarter of the time after which it does not
    /// count as alive any more.
    lastseen: Time,
}

/// Where in a Kubernetes an integration runs.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it stands for a record of the core in the document")]
pub(crate) struct KubernetesMetadata {
    /// The namespace.
    #[schema(examples("keptn"))]
    namespace: String,
    /// The pod.
    #[schema(examples("lighthouse-service-5b9f8d6c7-x2x9k"))]
    podname: String,
    /// The deployment.
    #[schema(examples("lighthouse-service"))]
    deploymentname: String,
}

/// Events that an integration is told of.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it stands for a subscription of the core in the document")]
pub(crate) struct Subscription {
    /// Its id.
    #[schema(examples("0c9f7a52-3d0e-4b8e-8f5e-7d1f4a6b2c13"))]
    id: String,
    /// A type of event, or a pattern of NATS: `*` stands for one part between dots, `>` for all that follow.
    #[schema(examples("sh.keptn.event.evaluation.triggered"))]
    event: String,
    /// Which of them.
    filter: SubscriptionFilter,
}

/// Which events of a type. An empty list means all.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it stands for a filter of the core in the document")]
pub(crate) struct SubscriptionFilter {
    /// Of any of these projects.
    projects: Vec<String>,
    /// Of any of these stages.
    stages: Vec<String>,
    /// Of any of these services.
    services: Vec<String>,
}

/// An integration to be registered: at most 64 KiB with all that it subscribes to. Fields that are not known are
/// passed over.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it stands for a registration of the core in the document")]
pub(crate) struct NewIntegration {
    /// Its name.
    #[schema(
        min_length = 1,
        max_length = 253,
        pattern = r"^[ -~]+$",
        examples("lighthouse-service")
    )]
    name: String,
    /// Where it runs, and what it is.
    metadata: NewMetadata,
    /// What it wants to be told of.
    #[schema(max_items = 200)]
    subscriptions: Option<Vec<NewSubscription>>,
}

/// Where an integration runs, and what it is.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it stands for a registration of the core in the document")]
pub(crate) struct NewMetadata {
    /// The machine, for Kubernetes the node.
    #[schema(min_length = 1, max_length = 253, pattern = r"^[ -~]+$", examples("node-1"))]
    hostname: String,
    /// Its version.
    #[schema(nullable, max_length = 253, pattern = r"^[ -~]*$", examples("1.4.0"))]
    integrationversion: Option<String>,
    /// The version of the distributor beside it.
    #[schema(nullable, max_length = 253, pattern = r"^[ -~]*$", examples("1.4.0"))]
    distributorversion: Option<String>,
    /// `control-plane` or `remote-execution-plane`.
    #[schema(nullable, max_length = 253, pattern = r"^[ -~]*$", examples("control-plane"))]
    location: Option<String>,
    /// Where in a Kubernetes.
    kubernetesmetadata: NewKubernetes,
}

/// Where in a Kubernetes an integration runs. Whoever runs elsewhere names the place all the same.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it stands for a registration of the core in the document")]
pub(crate) struct NewKubernetes {
    /// The namespace.
    #[schema(min_length = 1, max_length = 253, pattern = r"^[ -~]+$", examples("keptn"))]
    namespace: String,
    /// The pod.
    #[schema(nullable, max_length = 253, pattern = r"^[ -~]*$")]
    podname: Option<String>,
    /// The deployment.
    #[schema(nullable, max_length = 253, pattern = r"^[ -~]*$")]
    deploymentname: Option<String>,
}

/// Events that an integration wants to be told of.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it stands for a subscription of the core in the document")]
pub(crate) struct NewSubscription {
    /// A type of event, or a pattern of NATS.
    #[schema(
        max_length = 253,
        pattern = r"^[ -~]*$",
        examples("sh.keptn.event.evaluation.triggered")
    )]
    event: String,
    /// Which of them.
    filter: Option<NewFilter>,
}

/// Which events of a type. An empty list means all, and so does null.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it stands for a filter of the core in the document")]
pub(crate) struct NewFilter {
    /// Of any of these projects.
    #[schema(value_type = Option<Vec<Named>>, max_items = 200)]
    projects: Option<Vec<String>>,
    /// Of any of these stages.
    #[schema(value_type = Option<Vec<Named>>, max_items = 200)]
    stages: Option<Vec<String>>,
    /// Of any of these services.
    #[schema(value_type = Option<Vec<Named>>, max_items = 200)]
    services: Option<Vec<String>>,
}

/// The name of a project, a stage or a service.
#[derive(ToSchema)]
#[schema(max_length = 253, pattern = r"^[ -~]*$", examples("sockshop"))]
#[allow(dead_code, reason = "it stands for a name in the document")]
pub(crate) struct Named(String);

/// The id of an integration.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it stands for an answer in the document")]
pub(crate) struct Given {
    /// The id by which it is pinged.
    #[schema(examples("ea4caa30233315068a5d2e3e7bb480851379c1e9"))]
    id: String,
}

/// The id of a subscription.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it stands for an answer in the document")]
pub(crate) struct GivenSubscription {
    /// The id.
    #[schema(examples("0c9f7a52-3d0e-4b8e-8f5e-7d1f4a6b2c13"))]
    id: String,
}

/// An empty object.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it stands for an answer in the document")]
pub(crate) struct Nothing {}
