//! What `keptn auth` keeps: the endpoint and the token, where Keptn's own client keeps them.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tidegate_client::{Client, Endpoint, Token};

use super::Failure;

/// Where one server's credentials are.
#[derive(Debug)]
pub(super) struct State {
    file: PathBuf,
}

/// A server, and the token to show to it.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) endpoint: String,
    pub(super) token: String,
}

impl Credentials {
    pub(super) fn client(&self) -> Result<Client, Failure> {
        let endpoint: Endpoint =
            self.endpoint.parse().map_err(|error| Failure(format!("{error}")))?;
        let token = Token::new(&self.token).map_err(|error| Failure(error.to_string()))?;
        Ok(Client::new(endpoint, token)?)
    }
}

#[derive(Deserialize)]
struct KubeConfig {
    #[serde(rename = "current-context", default)]
    current_context: String,
}

impl State {
    /// Keptn's client keeps credentials by Kubernetes context and namespace.
    pub(super) fn find(config_file: Option<&Path>, namespace: &str) -> Result<Self, Failure> {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let directory = match (config_file, &home) {
            (Some(file), _) => file.parent().map_or_else(PathBuf::new, Path::to_owned),
            (None, Some(home)) => home.join(".keptn"),
            (None, None) => return Err(Failure("HOME is not set; use --config-file".to_owned())),
        };
        let kube = match std::env::var_os("KUBECONFIG") {
            Some(path) => Some(PathBuf::from(path)),
            None => home.map(|home| home.join(".kube/config")),
        };
        let context = kube.and_then(|path| context(&path)).unwrap_or_default();
        let safe = |text: &str| text.replace('/', "-");
        let name = format!(".keptn__{}__{}", safe(&context), safe(namespace));
        Ok(Self { file: directory.join(name) })
    }

    /// What is kept, or what the environment says where nothing is.
    pub(super) fn read(&self) -> Result<Credentials, Failure> {
        let missing = || {
            let text = "This command requires to be authenticated. See \"keptn auth\" for details";
            Failure(text.to_owned())
        };
        let text = match fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let of = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
                let token = of("TIDEGATE_API_TOKEN").ok_or_else(missing)?;
                let endpoint = of("TIDEGATE_ENDPOINT").ok_or_else(missing)?;
                return Ok(Credentials { endpoint, token });
            }
            Err(error) => return Err(self.failed("read", &error)),
        };
        let mut lines = text.lines().map(str::trim);
        let endpoint = lines.next().filter(|line| !line.is_empty()).ok_or_else(missing)?;
        let token = lines.next().unwrap_or_default();
        Ok(Credentials { endpoint: endpoint.to_owned(), token: token.to_owned() })
    }

    pub(super) fn client(&self) -> Result<Client, Failure> {
        self.read()?.client()
    }

    /// For its owner alone; Keptn's own client lets everybody read it.
    pub(super) fn keep(&self, credentials: &Credentials) -> Result<(), Failure> {
        let Credentials { endpoint, token } = credentials;
        let write = || {
            if let Some(directory) = self.file.parent() {
                fs::create_dir_all(directory)?;
            }
            let mut options = OpenOptions::new();
            let mut file =
                options.write(true).create(true).truncate(true).mode(0o600).open(&self.file)?;
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
            file.write_all(format!("{endpoint}\n{token}\n").as_bytes())
        };
        write().map_err(|error| self.failed("write", &error))
    }

    fn failed(&self, what: &str, error: &std::io::Error) -> Failure {
        Failure(format!("cannot {what} {}: {error}", self.file.display()))
    }
}

fn context(kube_config: &Path) -> Option<String> {
    let text = fs::read_to_string(kube_config).ok()?;
    let config: KubeConfig = serde_saphyr::from_str(&text).ok()?;
    Some(config.current_context)
}
