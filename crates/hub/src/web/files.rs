//! The files of a folder that the hub was told to serve, and nothing outside of it.

use super::answers::{missing, sentence};
use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Request, Response, StatusCode};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use tower_http::services::ServeDir;
use tower_http::services::fs::{Backend, TokioBackend};

/// A folder whose files are served. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Files(ServeDir<tower_http::services::fs::DefaultServeDirFallback, Beneath>);

impl Files {
    /// Those of `dir`, wherever it leads to now.
    pub(crate) fn new(dir: &Path) -> io::Result<Self> {
        let root = dir.canonicalize()?;
        std::fs::read_dir(&root)?;
        let beneath = Beneath {
            root: root.as_path().into(),
        };
        Ok(Self(ServeDir::with_backend(root, beneath)))
    }

    /// The answer to a GET or a HEAD; of a folder its `index.html`. 404 if there is nothing.
    pub(crate) async fn answer(mut self, request: Request<Body>) -> Response<Body> {
        // A redirect to such a path would be one to another host.
        if request.uri().path().starts_with("//") {
            return missing();
        }
        match self.0.try_call(request).await {
            Ok(answer) if answer.status() == StatusCode::NOT_FOUND => missing(),
            Ok(answer) => dressed(answer.map(Body::new)),
            Err(error) if is_missing(&error) => missing(),
            Err(_) => sentence(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The file is there but cannot be read.",
            ),
        }
    }
}

fn is_missing(error: &io::Error) -> bool {
    use ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound};
    matches!(
        error.kind(),
        NotFound | NotADirectory | InvalidFilename | InvalidInput
    )
}

/// What every file carries. Its policy is its author's affair: these are no pages of the hub.
fn dressed(mut answer: Response<Body>) -> Response<Body> {
    let headers = answer.headers_mut();
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Browsers would not assume it.
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let in_utf8 = match kind {
        Some(b"text/html") => "text/html; charset=utf-8",
        Some(b"text/css") => "text/css; charset=utf-8",
        Some(b"text/javascript") => "text/javascript; charset=utf-8",
        Some(b"text/plain") => "text/plain; charset=utf-8",
        _ => return answer,
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(in_utf8));
    answer
}

/// The file system as far as it is below `root`: no way out through links, no name that begins with a
/// dot (but `.well-known`, which is public by definition: RFC 8615), nothing but files and folders.
#[derive(Clone, Debug)]
struct Beneath {
    root: Arc<Path>,
}

type Later<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

impl Backend for Beneath {
    type File = <TokioBackend as Backend>::File;
    type Metadata = <TokioBackend as Backend>::Metadata;
    type OpenFuture = Later<Self::File>;
    type MetadataFuture = Later<Self::Metadata>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        let root = self.root.clone();
        Box::pin(async move { TokioBackend.open(settled(root, path).await?).await })
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        let root = self.root.clone();
        Box::pin(async move { TokioBackend.metadata(settled(root, path).await?).await })
    }
}

/// Where a path leads to, on a thread that may wait for the disk.
async fn settled(root: Arc<Path>, path: PathBuf) -> io::Result<PathBuf> {
    let settling = tokio::task::spawn_blocking(move || resolve(&root, &path));
    settling
        .await
        .unwrap_or_else(|_| Err(ErrorKind::Other.into()))
}

fn resolve(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let outside = || io::Error::from(ErrorKind::NotFound);
    // A link to itself, a name that no file may have: there is nothing.
    let resolved = path.canonicalize().map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => error,
        _ => outside(),
    })?;
    // As asked for, and where it leads to: neither may be hidden.
    let asked = path.strip_prefix(root).map_err(|_| outside())?;
    let inner = resolved.strip_prefix(root).map_err(|_| outside())?;
    let kind = std::fs::metadata(&resolved)?.file_type();
    if is_open(asked) && is_open(inner) && (kind.is_file() || kind.is_dir()) {
        Ok(resolved)
    } else {
        Err(outside())
    }
}

/// Whether no name on the way begins with a dot.
fn is_open(path: &Path) -> bool {
    path.components().all(|part| match part {
        Component::Normal(name) => {
            name == ".well-known" || !name.as_encoded_bytes().starts_with(b".")
        }
        Component::CurDir => true,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_names_and_ways_up_are_not_open() {
        for path in ["", "a/b.txt", "a./b..c", ".well-known/x"] {
            assert!(is_open(Path::new(path)), "{path}");
        }
        for path in [".git/config", "a/.env", "..", "a/../b", "/a", "..."] {
            assert!(!is_open(Path::new(path)), "{path}");
        }
    }
}
