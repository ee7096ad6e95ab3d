//! The files that a Prometheus reads.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use tidegate_core::names::{ProjectName, ServiceName};
use tidegate_core::sli::monitoring::Plan;

/// Writes a plan: one file of targets and one of rules for each service, so that no service touches those of
/// another. No name can hold a dot, so two services never have the same file.
///
/// # Errors
/// Which file could not be written, and why.
pub(super) fn write(
    directory: &Path,
    project: &ProjectName,
    service: &ServiceName,
    plan: &Plan,
) -> Result<(), String> {
    for (folder, extension, text) in
        [("targets", "json", plan.targets_file()), ("rules", "yaml", plan.rules_file())]
    {
        let folder = directory.join(folder);
        let path = folder.join(format!("{project}.{service}.{extension}"));
        replace(&folder, &path, &text)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(())
}

/// The file is the old or the new one at every moment, also after a crash; one that is right stays as it is.
/// Others than its owner can read it: Prometheus is another user.
fn replace(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    if fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    // No pattern of Prometheus' configuration matches this name.
    let temporary = path.with_extension("new");
    let mut file = File::create(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use tidegate_core::names::StageName;
    use tidegate_core::sli::Queries;
    use tidegate_core::sli::monitoring::{Settings, Stage, plan};

    use super::*;

    fn written(directory: &Path, service: &str) {
        let stage = Stage {
            name: StageName::new("qa").unwrap(),
            slo: None,
            is_remedied: false,
            queries: Queries::default(),
        };
        let project = ProjectName::new("shop").unwrap();
        let service = ServiceName::new(service).unwrap();
        let plan = plan(&project, &service, &[stage], &Settings::default()).unwrap();
        write(directory, &project, &service, &plan).unwrap();
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn each_service_has_files_of_its_own_that_others_can_read() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("prometheus");
        written(&root, "carts");
        written(&root, "orders");
        assert_eq!(names(&root.join("targets")), ["shop.carts.json", "shop.orders.json"]);
        assert_eq!(names(&root.join("rules")), ["shop.carts.yaml", "shop.orders.yaml"]);
        let mode = fs::metadata(root.join("rules/shop.carts.yaml")).unwrap().mode();
        assert_eq!(mode & 0o044, 0o044);
    }

    #[test]
    fn a_file_that_is_right_is_not_written_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("targets/shop.carts.json");
        written(directory.path(), "carts");
        let first = fs::metadata(&path).unwrap().ino();
        written(directory.path(), "carts");
        assert_eq!(fs::metadata(&path).unwrap().ino(), first);
        fs::write(&path, "something else").unwrap();
        written(directory.path(), "carts");
        assert!(fs::read_to_string(&path).unwrap().contains("carts.shop-qa:80"));
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("targets"), "").unwrap();
        let project = ProjectName::new("shop").unwrap();
        let service = ServiceName::new("carts").unwrap();
        let plan = plan(&project, &service, &[], &Settings::default()).unwrap();
        let error = write(directory.path(), &project, &service, &plan).unwrap_err();
        assert!(error.contains("targets/shop.carts.json"), "{error}");
    }
}
