//! `keptn auth` and `keptn status`

use clap::Args;

use super::state::Credentials;
use super::{Context, Failure};

#[derive(Debug, Args)]
pub(super) struct Auth {
    /// The API: https://example.org/api
    #[arg(short, long, value_name = "URL")]
    endpoint: Option<String>,
    /// The token; TIDEGATE_API_TOKEN keeps it out of the list of processes
    #[arg(short, long, value_name = "TOKEN", env = "TIDEGATE_API_TOKEN", hide_env_values = true)]
    api_token: Option<String>,
    /// Show what is kept
    #[arg(short = 'c', long)]
    export: bool,
    /// Use https
    #[arg(short, long)]
    secure: bool,
    /// Taken and of no effect: nothing is searched for
    #[arg(short = 'i', long)]
    skip_namespace_listing: bool,
}

pub(super) async fn auth(arguments: Auth, context: &mut Context<'_>) -> Result<(), Failure> {
    let Auth { endpoint, api_token, export, secure, .. } = arguments;
    if export {
        let kept = context.state.read()?;
        context.data(&format!("Endpoint:  {}", kept.endpoint));
        context.data(&format!("API Token:  {}", kept.token));
        return Ok(());
    }
    let missing =
        |what: &str| Failure(format!("{what} is missing; give --endpoint and --api-token"));
    let endpoint = complete(&endpoint.ok_or_else(|| missing("the endpoint"))?, secure);
    let token = api_token.ok_or_else(|| missing("the token"))?;
    let credentials = Credentials { endpoint, token };
    check(&credentials, context).await?;
    context.state.keep(&credentials)
}

/// The same with what is kept.
pub(super) async fn status(context: &mut Context<'_>) -> Result<(), Failure> {
    let kept = context.state.read()?;
    check(&kept, context).await
}

async fn check(credentials: &Credentials, context: &mut Context<'_>) -> Result<(), Failure> {
    context.info("Starting to authenticate");
    let unsuccessful =
        |why: &dyn std::fmt::Display| Failure(format!("authentication was not successful: {why}"));
    let client = credentials.client()?;
    client.check_token().await.map_err(|error| unsuccessful(&error))?;
    context.info(&format!("Successfully authenticated against {}", credentials.endpoint));
    context.info(&format!("Bridge URL: {}", client.endpoint().link("bridge")));
    Ok(())
}

/// Without a scheme it is plain http, without a path it is `/api`.
fn complete(endpoint: &str, secure: bool) -> String {
    let (is_https, rest) = match endpoint.split_once("://") {
        Some(("https", rest)) => (true, rest),
        Some((_, rest)) => (secure, rest),
        None => (secure, endpoint),
    };
    let scheme = if is_https { "https" } else { "http" };
    match rest.split_once('/') {
        None | Some((_, "")) => format!("{scheme}://{}/api", rest.trim_end_matches('/')),
        Some(_) => format!("{scheme}://{}", rest.trim_end_matches('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::complete;

    #[test]
    fn an_endpoint_is_completed_as_keptn_does() {
        for (given, secure, meant) in [
            ("http://127.0.0.1:7070", false, "http://127.0.0.1:7070/api"),
            ("127.0.0.1:7070/", false, "http://127.0.0.1:7070/api"),
            ("example.org", true, "https://example.org/api"),
            ("http://example.org/api", true, "https://example.org/api"),
            ("https://example.org/cd/api/", false, "https://example.org/cd/api"),
        ] {
            assert_eq!(complete(given, secure), meant, "{given}");
        }
    }
}
