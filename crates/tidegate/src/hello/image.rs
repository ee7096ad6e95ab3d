//! From an image to a version.

use anyhow::bail;

/// The tag of an image: `v0.1.1` of `tidegate/hello:v0.1.1`.
pub(super) fn version_of(image: &str) -> anyhow::Result<&str> {
    let tag = image.rsplit_once(':').map(|(_, tag)| tag);
    let plain = |tag: &&str| {
        !tag.is_empty()
            && tag.len() <= 128
            && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    match tag.filter(plain) {
        Some(tag) => Ok(tag),
        None => bail!("the image {image:?} names no version; write it like tidegate/hello:v0.1.1"),
    }
}

#[cfg(test)]
mod tests {
    use super::version_of;

    #[test]
    fn the_version_is_what_follows_the_last_colon() {
        for (image, version) in [
            ("tidegate/hello:v0.1.1", Some("v0.1.1")),
            ("localhost:5000/hello:2", Some("2")),
            ("localhost:5000/hello", None),
            ("hello", None),
            ("hello:", None),
            ("hello:a b", None),
        ] {
            assert_eq!(version_of(image).ok(), version, "{image}");
        }
    }
}
