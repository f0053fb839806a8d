//! Static answers for paths that the emulator does not have: clients, reports, findings.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::answer::{Answer, may_have_body};
use crate::headers;
use crate::settings::{invalid, is_path};
use crate::stats::{Kind, reading};

const JSON: &str = "application/json";

/// Headers that the emulator writes itself.
const OWN_HEADERS: [&str; 4] = ["connection", "content-length", "date", "transfer-encoding"];

/// A static answer to one method and path, for programs that go on after they have signed in.
///
/// ```
/// use plextrac_emulator::{Emulator, Route};
/// use serde_json::json;
///
/// let emulator = Emulator::builder()
///     .route(Route::new("GET", "/api/v1/client/list").json(&json!([{ "id": 1 }])))
///     .route(Route::new("GET", "/api/v1/client/{id}/reports").json(&json!([])))
///     .route(Route::new("POST", "/api/v1/client/create").status(201))
///     .start()?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Routes go before the emulator's own endpoints, except for the three authentication calls and the control API.
/// Faults apply to them. [`Kind::Route`] counts requests to paths that only a route answers.
#[derive(Clone, PartialEq, Eq)]
pub struct Route {
    method: String,
    path: String,
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    authorization: bool,
}

impl Route {
    /// An answer with status 200 and no body, to requests that carry a valid token.
    ///
    /// The path is below the emulator's path prefix and without a query; requests with any query match. A segment
    /// in braces, such as `{id}`, stands for any one segment. A route for `GET` also answers `HEAD`.
    #[must_use]
    pub fn new(method: impl Into<String>, path: impl Into<String>) -> Route {
        Route {
            method: method.into(),
            path: path.into(),
            status: 200,
            headers: Vec::new(),
            body: Vec::new(),
            authorization: true,
        }
    }

    /// The HTTP status: 200 to 599.
    #[must_use]
    pub fn status(mut self, status: u16) -> Route {
        self.status = status;
        self
    }

    /// Adds a header. The emulator writes `Connection`, `Content-Length`, `Date` and `Transfer-Encoding` itself.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Route {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The body as JSON, with `Content-Type: application/json`.
    #[must_use]
    pub fn json(self, body: &Value) -> Route {
        self.body(JSON, body.to_string())
    }

    /// The body byte for byte, and its content type. A `Content-Type` that was added with
    /// [`header`](Route::header) before is kept.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Route {
        self.body = body.into();
        if crate::wire::header(&self.headers, "content-type").is_none() {
            self.headers.push(("Content-Type".to_owned(), content_type.to_owned()));
        }
        self
    }

    /// Answers requests without a token as well. Otherwise they get 401.
    #[must_use]
    pub fn without_authorization(mut self) -> Route {
        self.authorization = false;
        self
    }

    /// Reads routes from a JSON file. docs/emulator.md describes the format.
    ///
    /// # Errors
    /// `InvalidInput` if the content is wrong: the message names the file and the place in it. Otherwise the error
    /// of reading the file, or a file that it names.
    pub fn read_file(file: &Path) -> io::Result<Vec<Route>> {
        let RouteFile { routes } = serde_json::from_slice(&read(file)?)
            .map_err(|error| invalid(format!("the routes file {}: {error}", file.display())))?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let numbered = (1..).zip(routes);
        let routes = numbered.map(|(number, entry)| entry.into_route(number, file, folder));
        let routes = routes.collect::<io::Result<Vec<Route>>>()?;
        check(&routes).map_err(|error| {
            io::Error::new(error.kind(), format!("the routes file {}: {error}", file.display()))
        })?;
        Ok(routes)
    }

    pub(crate) fn matches(&self, method: &str, path: &str) -> bool {
        let mut wanted = self.path.split('/');
        let mut segments = path.split('/');
        self.method == reading(method)
            && loop {
                match (wanted.next(), segments.next()) {
                    (None, None) => break true,
                    (Some(wanted), Some(segment)) if fits(wanted, segment) => {}
                    _ => break false,
                }
            }
    }

    pub(crate) fn needs_authorization(&self) -> bool {
        self.authorization
    }

    pub(crate) fn answer(&self) -> Answer {
        Answer { status: self.status, headers: self.headers.clone(), body: self.body.clone() }
    }

    fn check(&self) -> Result<(), String> {
        let Route { method, path, status, .. } = self;
        let is_method =
            !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
        if !is_method {
            return Err("the method is a word in upper case, such as GET".into());
        }
        if method == "HEAD" {
            return Err("a route for GET also answers HEAD: use GET".into());
        }
        let without_wildcards: Vec<&str> =
            path.split('/').map(|segment| if is_wildcard(segment) { "x" } else { segment }).collect();
        if !path.starts_with('/') || !is_path(&without_wildcards.join("/")) {
            return Err("the path begins with / and is written as in a URL, without query, fragment or dot \
                 segments; a segment may be a name in braces, such as {id}"
                .into());
        }
        if Kind::of(method, path).is_authentication() || crate::control::is_control(path) {
            return Err("the emulator answers this itself, and no route can: use a fault".into());
        }
        if !(200..=599).contains(status) {
            return Err(format!("the status {status} is not between 200 and 599"));
        }
        if !may_have_body(*status) && !self.body.is_empty() {
            return Err(format!("an answer with status {status} has no body"));
        }
        for (name, value) in &self.headers {
            check_header(name, value)?;
        }
        Ok(())
    }

    /// Does this route answer every request that the other one could answer?
    fn covers(&self, other: &Route) -> bool {
        let (mine, others) = (self.path.split('/'), other.path.split('/'));
        self.method == other.method
            && mine.clone().count() == others.clone().count()
            && mine
                .zip(others)
                .all(|(mine, others)| mine == others || (is_wildcard(mine) && !others.is_empty()))
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .field("authorization", &self.authorization)
            .finish_non_exhaustive()
    }
}

/// # Errors
/// `InvalidInput`: the first route that is wrong, with its number counted from 1.
pub(crate) fn check(routes: &[Route]) -> io::Result<()> {
    for (index, route) in routes.iter().enumerate() {
        let number = index + 1;
        route.check().map_err(|why| invalid(format!("route {number} ({route}): {why}")))?;
        if let Some(first) = routes[..index].iter().position(|earlier| earlier.covers(route)) {
            return Err(invalid(format!(
                "route {number} ({route}) never answers: route {} ({}) comes first and matches the same requests; \
                 remove one or change their order",
                first + 1,
                routes[first],
            )));
        }
    }
    Ok(())
}

fn fits(wanted: &str, segment: &str) -> bool {
    wanted == segment || (is_wildcard(wanted) && !segment.is_empty())
}

fn is_wildcard(segment: &str) -> bool {
    let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    })
}

fn check_header(name: &str, value: &str) -> Result<(), String> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(format!("{name:?} is not the name of a header"));
    }
    if OWN_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Err(format!("the emulator writes the header {name} itself: leave it out"));
    }
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(format!("the value of the header {name} has a control character"));
    }
    Ok(())
}

/// The file of routes. docs/emulator.md describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with the list `routes`")]
struct RouteFile {
    routes: Vec<RouteEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a route: an object with a path")]
struct RouteEntry {
    #[serde(default = "get")]
    method: String,
    path: String,
    #[serde(default = "ok")]
    status: u16,
    #[serde(default, deserialize_with = "headers::deserialize")]
    headers: Vec<(String, String)>,
    /// `null` is a body too.
    #[serde(default, deserialize_with = "present")]
    body: Option<Value>,
    body_file: Option<String>,
    #[serde(default = "yes")]
    authorization: bool,
}

impl RouteEntry {
    fn into_route(self, number: usize, file: &Path, folder: &Path) -> io::Result<Route> {
        let mut route = Route {
            headers: self.headers,
            authorization: self.authorization,
            ..Route::new(self.method, self.path).status(self.status)
        };
        match (self.body, self.body_file) {
            (None, None) => {}
            (Some(body), None) => route = route.json(&body),
            (None, Some(name)) => {
                let body = read(&folder.join(&name)).map_err(|error| {
                    let what =
                        format!("the routes file {}: route {number} ({route}): {error}", file.display());
                    io::Error::new(error.kind(), what)
                })?;
                let is_json =
                    Path::new(&name).extension().is_some_and(|ext| ext.eq_ignore_ascii_case("json"));
                route = route.body(if is_json { JSON } else { "application/octet-stream" }, body);
            }
            (Some(_), Some(_)) => {
                return Err(invalid(format!(
                    "the routes file {}: route {number} ({route}) has both body and body_file: remove one",
                    file.display()
                )));
            }
        }
        Ok(route)
    }
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    fs::read(file)
        .map_err(|error| io::Error::new(error.kind(), format!("{} cannot be read: {error}", file.display())))
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn get() -> String {
    "GET".to_owned()
}

fn ok() -> u16 {
    200
}

fn yes() -> bool {
    true
}
