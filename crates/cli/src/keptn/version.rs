//! `keptn version`

use super::{Context, Failure};

pub(super) async fn version(context: &mut Context<'_>) -> Result<(), Failure> {
    context.data("");
    context.data(&format!("Keptn CLI version: {}", env!("CARGO_PKG_VERSION")));
    let server = match context.client() {
        Ok(client) => client.metadata().await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    let shown = match server {
        Ok(metadata) => match metadata.tidegate_version {
            Some(own) => format!("{} (Tidegate {own})", metadata.keptn_version),
            None => metadata.keptn_version,
        },
        Err(failure) => failure.to_string(),
    };
    context.data(&format!("Keptn cluster version: {shown}"));
    Ok(())
}
