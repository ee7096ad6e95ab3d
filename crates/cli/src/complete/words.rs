//! What has been typed so far, as far as names depend on it.

use crate::connection::Connection;

/// The options of a command line that is being typed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    project: Option<String>,
    endpoint: Option<String>,
    token_file: Option<String>,
    data_dir: Option<String>,
}

impl Words {
    /// Reads the arguments that the shell's script calls this program with: what has been typed comes
    /// after the first `--`.
    pub(super) fn of(arguments: impl Iterator<Item = String>) -> Self {
        let mut words = Self::default();
        let mut typed = arguments.skip_while(|word| word != "--").skip(1).peekable();
        while let Some(word) = typed.next() {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (word, None),
            };
            let place = match name.as_str() {
                "--project" => &mut words.project,
                "--endpoint" => &mut words.endpoint,
                "--token-file" => &mut words.token_file,
                "--data-dir" => &mut words.data_dir,
                _ => continue,
            };
            let value = value.or_else(|| typed.next_if(|next| !next.starts_with('-')));
            *place = value.filter(|value| !value.is_empty());
        }
        words
    }

    pub(super) fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// The server that the command will speak to.
    pub(super) fn connection(&self) -> Connection {
        Connection {
            endpoint: self.endpoint.clone().or_else(Connection::endpoint_of_environment),
            token_file: self.token_file.as_ref().map(Into::into),
            data_dir: self.data_dir.as_ref().map(Into::into),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Words {
        let typed = line.split(' ').map(str::to_owned);
        Words::of(["/usr/bin/tidegate".to_owned(), "--".to_owned()].into_iter().chain(typed))
    }

    #[test]
    fn options_are_read_however_they_are_written() {
        let read = words("tidegate services list --project=tour --endpoint http://h --stage q");
        assert_eq!(read.project(), Some("tour"));
        assert_eq!(read.endpoint.as_deref(), Some("http://h"));
        assert_eq!(read.token_file, None);
    }

    #[test]
    fn an_option_whose_value_is_still_to_come_says_nothing() {
        for line in ["tidegate x --project", "tidegate x --project=", "tidegate x --project --wait"]
        {
            assert_eq!(words(line), Words::default(), "{line}");
        }
    }

    #[test]
    fn what_was_not_typed_does_not_count() {
        let arguments = ["tidegate", "--project", "no"].map(str::to_owned);
        assert_eq!(Words::of(arguments.into_iter()), Words::default());
    }
}
