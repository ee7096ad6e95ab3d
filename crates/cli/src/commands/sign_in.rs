//! `tidegate sign-in`

use clap::Args;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::format::Format;
use crate::screen::Screen;
use crate::text;

/// Make a link that signs a person in to the Bridge, once
#[derive(Debug, Args)]
pub struct Arguments {
    /// Who signs in; decisions will carry this name
    #[arg(value_name = "NAME")]
    name: String,
    /// How to write the link
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { name, output, connection } = arguments;
    let link = connection.open()?.sign_in_link(&name).await?;
    match output {
        Format::Table => {
            screen
                .note(&format!("Signs in {name}, once, until {}:", text::moment(&link.expires)))?;
            screen.data(&link.link)
        }
        Format::Json | Format::Yaml => screen.value(output, &link),
    }
}
