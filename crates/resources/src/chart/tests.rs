use super::unpack as unpack_within;
use super::*;

fn unpack(archive: &[u8]) -> Result<BTreeMap<ResourcePath, Vec<u8>>, ChartError> {
    unpack_within(archive, &mut { CHART_BYTES_MAX })
}

fn path(text: &str) -> ResourcePath {
    ResourcePath::new(text).unwrap()
}

/// An archive of these entries, with names as they are.
fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, kind, content) in entries {
        let mut header = Header::new_gnu();
        // The library's own setters refuse what these tests are about.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        if *kind == EntryType::Symlink {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        header.set_cksum();
        archive.append(&header, *content).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

fn refusal(entries: &[(&str, EntryType, &[u8])]) -> String {
    unpack(&archive(entries)).unwrap_err().to_string()
}

#[test]
fn only_an_archive_below_helm_is_a_chart() {
    let directory = |text| directory_of(&path(text)).map(|path| path.to_string());
    assert_eq!(directory("helm/carts.tgz").unwrap(), "helm/carts");
    assert_eq!(directory("deep/helm/carts.v1.tgz").unwrap(), "deep/helm/carts.v1");
    for other in ["charts/carts.tgz", "helm/carts.tar.gz", "helm/deep/carts.tgz", "helm/.tgz"] {
        assert_eq!(directory(other), None, "{other}");
    }
}

#[test]
fn a_chart_is_its_files_below_the_directory_whatever_that_is_called() {
    let chart = archive(&[
        ("anything/", EntryType::Directory, b""),
        ("anything/Chart.yaml", EntryType::Regular, b"name: carts"),
        ("anything/templates/a.yaml", EntryType::Regular, b""),
    ]);
    let files = unpack(&chart).unwrap();
    let names: Vec<_> = files.keys().map(ResourcePath::as_str).collect();
    assert_eq!(names, ["Chart.yaml", "templates/a.yaml"]);
    let packed = pack("carts", &files).unwrap();
    assert_eq!(unpack(&packed).unwrap(), files);
    assert_eq!(pack("carts", &files).unwrap(), packed);
}

#[test]
fn what_is_no_chart_is_refused_with_the_reason() {
    let file = EntryType::Regular;
    assert_eq!(refusal(&[]), "it holds no file");
    assert_eq!(refusal(&[("a/", EntryType::Directory, b"")]), "it holds no file");
    assert!(refusal(&[("Chart.yaml", file, b"")]).starts_with("\"Chart.yaml\" is not below one"));
    assert!(refusal(&[("a/x", file, b""), ("b/x", file, b"")]).starts_with("\"b/x\" is not below"));
    assert!(refusal(&[("a/../../x", file, b"")]).starts_with("invalid resource uri"));
    assert!(refusal(&[("a/.git/config", file, b"")]).starts_with("invalid resource uri"));
    assert!(refusal(&[("a/link", EntryType::Symlink, b"")]).contains("links are not followed"));
    assert!(refusal(&[("a/pipe", EntryType::Fifo, b"")]).contains("neither a file nor"));
    assert!(unpack(b"no archive").unwrap_err().to_string().starts_with("it cannot be unpacked"));
    let whole = archive(&[("a/x", file, &[7; 4000])]);
    assert!(matches!(unpack(&whole[..whole.len() / 2]), Err(ChartError::Unreadable(_))));
}

#[test]
fn a_bomb_is_put_out_before_it_is_in_memory() {
    let large = vec![0; CHART_BYTES_MAX / 2 + 1];
    let file = EntryType::Regular;
    let bomb = archive(&[("a/1", file, &large), ("a/2", file, &large)]);
    assert!(bomb.len() < CHART_BYTES_MAX / 50, "{}", bomb.len());
    assert!(matches!(unpack(&bomb), Err(ChartError::TooLarge)));
    let names: Vec<String> = (0..=CHART_FILES_MAX).map(|n| format!("a/{n}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), file, &b""[..])).collect();
    assert!(matches!(unpack(&archive(&many)), Err(ChartError::TooLarge)));
    let directories: Vec<_> =
        names.iter().map(|name| (name.as_str(), EntryType::Directory, &b""[..])).collect();
    let directories = directories.iter().cycle().take(ENTRIES_MAX + 1).copied();
    assert!(matches!(
        unpack(&archive(&directories.collect::<Vec<_>>())),
        Err(ChartError::TooLarge)
    ));
}

#[test]
fn a_name_as_large_as_a_bomb_is_not_read() {
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let name = vec![b'x'; CHART_BYTES_MAX + 8 * 1024 * 1024];
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNULongName);
    header.set_size(name.len() as u64);
    header.set_cksum();
    archive.append(&header, name.as_slice()).unwrap();
    let bomb = archive.into_inner().unwrap().finish().unwrap();
    assert!(matches!(unpack(&bomb), Err(ChartError::Unreadable(_) | ChartError::TooLarge)));
}

#[test]
fn charts_of_one_request_share_what_they_may_have() {
    let chart = archive(&[("a/x", EntryType::Regular, &[7; 600])]);
    let mut left = 1000;
    unpack_within(&chart, &mut left).unwrap();
    assert_eq!(left, 400);
    assert!(matches!(unpack_within(&chart, &mut left), Err(ChartError::TooLarge)));
}
