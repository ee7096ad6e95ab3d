//! The machine: which package manager it has, and whether we may use it.

use std::fs;
use std::process::Command;

use super::tool::{Origin, Tool};
use crate::program;

/// What can be installed here, and how.
#[derive(Debug)]
pub(crate) struct Host {
    system: System,
    rights: Rights,
    /// Package lists are fetched once, before the first package.
    lists_are_fresh: bool,
}

/// The families of systems whose package managers we can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    Debian,
    /// As Debian, but for its Chromium: that is a snap, and the package of the name only fetches it.
    Ubuntu,
    Fedora,
    Arch,
    Alpine,
    Suse,
    Mac,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rights {
    Root,
    /// `sudo` asks no password.
    Sudo,
    None,
}

impl Host {
    /// Looks around once.
    pub(crate) fn detect() -> Self {
        let system = if cfg!(target_os = "macos") {
            System::Mac
        } else {
            fs::read_to_string("/etc/os-release").map_or(System::Other, |text| System::read(&text))
        };
        let rights = if program::answer(Command::new("id").arg("-u")).as_deref() == Some("0") {
            Rights::Root
        } else if program::succeeds(Command::new("sudo").args(["-n", "true"])) {
            Rights::Sudo
        } else {
            Rights::None
        };
        Self { system, rights, lists_are_fresh: false }
    }

    /// Installs a tool if this machine lets us. `false` says that it was not tried or did not work;
    /// `true` only that the installer was content.
    pub(crate) fn install(&mut self, tool: &Tool) -> bool {
        match tool.origin {
            Origin::Rustup(component) => {
                run(Command::new("rustup").args(["component", "add", component]))
            }
            Origin::Package { .. } => self.install_package(tool),
        }
    }

    fn install_package(&mut self, tool: &Tool) -> bool {
        let automatic = matches!(self.system, System::Debian | System::Ubuntu);
        if !automatic || self.rights == Rights::None {
            return false;
        }
        let words = self.system.words(tool).unwrap_or_default();
        if words.first() == Some(&"apt-get") && !self.lists_are_fresh {
            self.lists_are_fresh = run(&mut self.privileged(&["apt-get", "update", "--quiet"]));
        }
        run(&mut self.privileged(&words))
    }

    fn privileged(&self, words: &[&str]) -> Command {
        let mut command = Command::new(if self.rights == Rights::Sudo { "sudo" } else { "env" });
        if self.rights == Rights::Sudo {
            // sudo resets the environment, so the variable goes behind it.
            command.args(["-n", "env"]);
        }
        command.arg("DEBIAN_FRONTEND=noninteractive").args(words);
        command
    }

    /// The line that installs a tool here, or where it is offered; both where an `outdated` one is
    /// there already.
    pub(crate) fn remedy(&self, tool: &Tool, outdated: bool) -> String {
        let page = match tool.origin {
            Origin::Rustup(component) => return format!("rustup component add {component}"),
            Origin::Package { page, .. } => page,
        };
        let Some(words) = self.system.words(tool) else { return format!("see {page}") };
        let sudo =
            if self.rights == Rights::Root || self.system == System::Mac { "" } else { "sudo " };
        let line = format!("{sudo}{}", words.join(" "));
        if outdated { format!("{line} (if that brings no newer one, see {page})") } else { line }
    }
}

impl System {
    /// From the text of `/etc/os-release` (os-release(5)): its `ID`, then each word of its `ID_LIKE`.
    fn read(os_release: &str) -> Self {
        let value = |key: &str| {
            os_release.lines().find_map(|line| {
                let (name, value) = line.split_once('=')?;
                (name == key).then(|| value.trim_matches('"'))
            })
        };
        let words = [value("ID"), value("ID_LIKE")].into_iter().flatten();
        words.flat_map(str::split_whitespace).find_map(Self::named).unwrap_or(Self::Other)
    }

    fn named(id: &str) -> Option<Self> {
        Some(match id {
            "debian" => Self::Debian,
            "ubuntu" => Self::Ubuntu,
            "fedora" | "rhel" => Self::Fedora,
            "arch" => Self::Arch,
            "alpine" => Self::Alpine,
            "suse" | "opensuse" => Self::Suse,
            _ => return None,
        })
    }

    /// The words that install a package, without `sudo`.
    fn words(self, tool: &Tool) -> Option<Vec<&'static str>> {
        let Origin::Package { name, homebrew, .. } = tool.origin else { return None };
        let mut words = match self {
            Self::Ubuntu if name == "chromium" => vec!["snap", "install"],
            Self::Debian | Self::Ubuntu => {
                vec!["apt-get", "install", "--yes", "--no-install-recommends"]
            }
            Self::Fedora => vec!["dnf", "install", "--assumeyes"],
            Self::Arch => vec!["pacman", "-S", "--noconfirm"],
            Self::Alpine => vec!["apk", "add"],
            Self::Suse => vec!["zypper", "--non-interactive", "install"],
            Self::Mac => vec!["brew", "install"],
            Self::Other => return None,
        };
        words.push(match (self, name) {
            (Self::Mac, _) => homebrew,
            // There, the package of the name has the clients alone.
            (Self::Fedora | Self::Suse, "postgresql") => "postgresql-server",
            // Elsewhere it is a part of Python itself.
            (Self::Fedora | Self::Arch | Self::Alpine | Self::Suse, "python3-venv") => "python3",
            (Self::Fedora, "prometheus") => "golang-github-prometheus",
            (Self::Suse, "prometheus") => "golang-github-prometheus-prometheus",
            (Self::Fedora | Self::Suse, "prometheus-alertmanager") => {
                "golang-github-prometheus-alertmanager"
            }
            (Self::Arch | Self::Alpine, "prometheus-alertmanager") => "alertmanager",
            _ => name,
        });
        Some(words)
    }
}

/// Runs an installer with its output on the screen.
fn run(command: &mut Command) -> bool {
    program::stream(command, |_| {}).is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::super::tool::{CHROMIUM, TOOLS};
    use super::*;

    fn remedy(system: System, rights: Rights, tool: &str) -> String {
        let host = Host { system, rights, lists_are_fresh: false };
        host.remedy(TOOLS.iter().find(|candidate| candidate.name == tool).unwrap(), false)
    }

    #[test]
    fn a_system_is_known_by_its_id_or_by_what_it_is_like() {
        for (text, expected) in [
            ("NAME=x\nID=debian\n", System::Debian),
            ("ID=ubuntu\nID_LIKE=debian\n", System::Ubuntu),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", System::Ubuntu),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", System::Fedora),
            ("ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"\n", System::Suse),
            ("ID=plan9\n", System::Other),
            ("", System::Other),
        ] {
            assert_eq!(System::read(text), expected, "{text}");
        }
    }

    #[test]
    fn the_remedy_is_a_line_that_can_be_pasted() {
        assert_eq!(
            remedy(System::Debian, Rights::None, CHROMIUM),
            "sudo apt-get install --yes --no-install-recommends chromium"
        );
        assert_eq!(remedy(System::Ubuntu, Rights::Root, CHROMIUM), "snap install chromium");
        assert_eq!(remedy(System::Mac, Rights::None, "Node.js"), "brew install node");
        assert_eq!(remedy(System::Arch, Rights::Sudo, "git"), "sudo pacman -S --noconfirm git");
        assert_eq!(
            remedy(System::Fedora, Rights::Root, "Postgres"),
            "dnf install --assumeyes postgresql-server"
        );
        assert_eq!(remedy(System::Debian, Rights::Root, "clippy"), "rustup component add clippy");
        assert_eq!(remedy(System::Other, Rights::None, "git"), "see https://git-scm.com/downloads");
    }

    #[test]
    fn who_has_an_outdated_tool_is_told_where_newer_ones_are() {
        let host = Host { system: System::Ubuntu, rights: Rights::Root, lists_are_fresh: false };
        let node = TOOLS.iter().find(|tool| tool.name == "Node.js").unwrap();
        assert_eq!(
            host.remedy(node, true),
            "apt-get install --yes --no-install-recommends nodejs (if that brings no newer one, see \
             https://nodejs.org/en/download)"
        );
    }

    #[test]
    fn nothing_is_installed_without_the_right_to() {
        let git = TOOLS.iter().find(|tool| tool.name == "git").unwrap();
        for (system, rights) in [(System::Debian, Rights::None), (System::Fedora, Rights::Root)] {
            let mut host = Host { system, rights, lists_are_fresh: true };
            assert!(!host.install(git));
        }
    }
}
