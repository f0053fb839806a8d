//! What is asked for: a method, and a path on the instance.

use plextrac_transport::{Request, SessionConfig, StreamedResponse};

use crate::args::RequestArgs;
use crate::exit::Failure;

pub(super) struct Target {
    pub(super) method: String,
    /// A path, or an absolute URL.
    path: String,
}

impl Target {
    pub(super) fn of(args: &RequestArgs) -> Result<Self, Failure> {
        let (named, path) = match (&args.method_or_path, &args.path) {
            (Some(method), Some(path)) => (Some(method), path),
            (Some(path), None) if path.contains('/') => (None, path),
            _ => {
                return Err(Failure::usage(
                    "the path is missing; give one, such as /api/v1/client/list (`plextrac-auth request --help` shows how)",
                ));
            }
        };
        let method = match (named, &args.method) {
            (Some(_), Some(_)) => {
                return Err(Failure::usage(
                    "the method is given twice, before the path and with --method; give it once",
                ));
            }
            (Some(method), None) | (None, Some(method)) => method.to_ascii_uppercase(),
            (None, None) if has_body(args) => "POST".to_owned(),
            (None, None) => "GET".to_owned(),
        };
        let target = Self { method, path: path.clone() };
        if !target.is_absolute() {
            // What cannot be meant is refused before anything is asked for.
            Request::new(&target.method, &target.path)?;
        }
        Ok(target)
    }

    /// The request to the instance at `base_url`.
    pub(super) fn request(&self, base_url: &str) -> Result<Request, Failure> {
        if self.is_absolute() {
            Ok(Request::new(&self.method, &path_below(&self.path, base_url)?)?)
        } else {
            Ok(Request::new(&self.method, &self.path)?)
        }
    }

    /// Whether it was done, by the status alone.
    pub(super) fn judge(&self, response: &StreamedResponse) -> Result<(), Failure> {
        if response.is_success() {
            return Ok(());
        }
        let note = match response.status() {
            300..=399 => "; redirects are not followed",
            401 => "; a fresh token does not help",
            403 => "; the account lacks the permission, as a rule",
            _ => "",
        };
        Err(Failure::other(format!(
            "{} {} was answered with HTTP {}{note}",
            self.method,
            self.path.split('?').next().unwrap_or_default(),
            response.status()
        )))
    }

    fn is_absolute(&self) -> bool {
        self.path.contains("://") && !self.path.starts_with('/')
    }
}

fn has_body(args: &RequestArgs) -> bool {
    args.json.is_some() || args.data.is_some() || !args.form.is_empty()
}

/// The path and query of a URL that lies on the instance.
fn path_below(url: &str, base_url: &str) -> Result<String, Failure> {
    let refused = || {
        Failure::usage(format!(
            "the URL is not one of {base_url}, and the token goes to no other host; give a URL or a path of that instance"
        ))
    };
    let host = url.find("://").map_or(0, |scheme| scheme + 3);
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |length| host + length);
    let (origin, rest) = url.split_at(end);
    // Written as the instance's own is: case, default port, international names.
    let origin = SessionConfig::new(origin).map_err(|_| refused())?;
    let whole = format!("{}{rest}", origin.base_url());
    match whole.strip_prefix(base_url) {
        Some(path) if path.starts_with('/') => Ok(path.to_owned()),
        Some("") => Ok("/".to_owned()),
        Some(query) if query.starts_with('?') => Ok(format!("/{query}")),
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_the_instance_becomes_its_path() {
        for (url, base, path) in [
            ("https://acme.example/api/v1/x?a=b", "https://acme.example", "/api/v1/x?a=b"),
            ("HTTPS://ACME.example:443/api", "https://acme.example", "/api"),
            ("https://acme.example", "https://acme.example", "/"),
            ("https://acme.example?q=1", "https://acme.example", "/?q=1"),
            ("https://acme.example:8443/p/api", "https://acme.example:8443/p", "/api"),
            ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080", "/x"),
        ] {
            assert_eq!(path_below(url, base).ok().as_deref(), Some(path), "{url}");
        }
    }

    #[test]
    fn a_url_of_anything_else_is_refused() {
        for (url, base) in [
            ("https://evil.example/x", "https://acme.example"),
            ("http://acme.example/x", "https://acme.example"),
            ("https://acme.example:444/x", "https://acme.example"),
            ("https://acme.example.evil.example/x", "https://acme.example"),
            ("https://acme.example@evil.example/x", "https://acme.example"),
            ("https://me:secret@acme.example/x", "https://acme.example"),
            ("https://acme.example/other/x", "https://acme.example/p"),
            ("https://acme.example/px", "https://acme.example/p"),
            ("ftp://acme.example/x", "https://acme.example"),
            ("https:///x", "https://acme.example"),
        ] {
            let Err(Failure::Message(_, why)) = path_below(url, base) else { panic!("{url}") };
            assert!(why.contains("no other host") && !why.contains("secret"), "{why}");
        }
    }
}
