//! Images: what differs between two of them.

use serde_json::{Map, Value};

use super::text::Text;

/// An image name, split where it begins to differ from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image {
    /// What both have.
    pub(crate) same: Text,
    /// What is different: the part to look at.
    pub(crate) differs: Text,
}

impl Image {
    /// An image by itself: all of its tag or digest is worth a look.
    pub(crate) fn alone(image: &str) -> Self {
        Self::split(image, tag_start(image))
    }

    /// An image beside another. The cut is at a separator, so that `1.4.2` and `1.5.0` differ as
    /// wholes and not in their last digits.
    pub(crate) fn beside(image: &str, other: &str) -> Self {
        if image == other {
            return Self::alone(image);
        }
        let common = image.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
        let cut = image.as_bytes()[..common]
            .iter()
            .rposition(|byte| matches!(byte, b'/' | b':' | b'@'))
            .map_or(0, |at| at + 1);
        Self::split(image, cut)
    }

    fn split(image: &str, at: usize) -> Self {
        Self { same: Text::line(&image[..at]), differs: Text::line(&image[at..]) }
    }
}

/// Where the tag or the digest begins, or the last path segment where there is neither.
fn tag_start(image: &str) -> usize {
    let name = image.rfind('/').map_or(0, |at| at + 1);
    match image[name..].find([':', '@']) {
        Some(at) => name + at + 1,
        None => name,
    }
}

/// What is delivered, in short: the image, or the service where no image is named.
pub(crate) fn image_or(image: Option<&str>, service: impl AsRef<str>) -> Text {
    image.map_or_else(|| Text::line(service), short)
}

/// The short form for headings: the last path segment with its tag.
pub(crate) fn short(image: &str) -> Text {
    let name = &image[image.rfind('/').map_or(0, |at| at + 1)..];
    // A digest is too long for a heading; its first digits tell it from the next one.
    match name.split_once("@sha256:") {
        Some((name, digest)) => {
            let digits: String = digest.chars().take(12).collect();
            Text::line(format!("{name}@{digits}"))
        }
        None => Text::line(name),
    }
}

/// What an image is called beside the name of its service: `v1` where the image bears that name, too.
pub(crate) fn version(image: &str, service: &str) -> Text {
    let short = short(image);
    let rest = short.as_str().strip_prefix(service).and_then(|rest| rest.strip_prefix([':', '@']));
    match rest {
        Some(version) if !version.is_empty() => Text::line(version),
        _ => short,
    }
}

/// The image that the data of an event asks to deliver.
pub(crate) fn image_of(data: &Map<String, Value>) -> Option<&str> {
    let image = data.get("configurationChange")?.get("values")?.get("image")?.as_str()?;
    Some(image).filter(|image| !image.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(image: &Image) -> (&str, &str) {
        (image.same.as_str(), image.differs.as_str())
    }

    #[test]
    fn the_tag_is_what_differs_between_two_versions() {
        let image = Image::beside("ghcr.io/acme/hello:v0.1.1", "ghcr.io/acme/hello:v0.1.0");
        assert_eq!(parts(&image), ("ghcr.io/acme/hello:", "v0.1.1"));
        let moved = Image::beside("ghcr.io/other/hello:v1", "ghcr.io/acme/hello:v1");
        assert_eq!(parts(&moved), ("ghcr.io/", "other/hello:v1"));
        assert_eq!(parts(&Image::beside("é:1", "è:1")), ("", "é:1"));
    }

    #[test]
    fn an_image_alone_shows_its_tag() {
        assert_eq!(parts(&Image::alone("host:5000/a/b:1.2")), ("host:5000/a/b:", "1.2"));
        assert_eq!(parts(&Image::alone("a/b@sha256:99")), ("a/b@", "sha256:99"));
        assert_eq!(parts(&Image::beside("a/b", "a/b")), ("a/", "b"));
    }

    #[test]
    fn a_version_does_not_repeat_the_service() {
        assert_eq!(version("ghcr.io/acme/hello:v1", "hello").as_str(), "v1");
        assert_eq!(version("ghcr.io/acme/hello:v1", "hell").as_str(), "hello:v1");
        assert_eq!(version("hello", "hello").as_str(), "hello");
    }

    #[test]
    fn headings_are_short() {
        assert_eq!(short("ghcr.io/acme/hello:v1").as_str(), "hello:v1");
        let digest = format!("a/b@sha256:{}", "9f2c".repeat(16));
        assert_eq!(short(&digest).as_str(), "b@9f2c9f2c9f2c");
    }
}
