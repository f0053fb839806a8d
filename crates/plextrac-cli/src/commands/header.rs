//! `plextrac-auth header`: a live token as a header line, for programs that do their own HTTP.

use zeroize::Zeroizing;

use crate::account::{self, Purpose, Shown};
use crate::args::HeaderArgs;
use crate::exit::Failure;
use crate::output;

pub(crate) fn run(args: &HeaderArgs) -> Result<(), Failure> {
    let shown = Shown::of(&mut account::open(&args.account, Purpose::Use)?)?;
    let value = shown.authorization();
    if args.curl_config {
        let quoted = curl_quoted(value);
        output::write(&[b"header = \"Authorization: ", quoted.as_bytes(), b"\"\n"])
    } else {
        output::write(&[b"Authorization: ", value.as_bytes(), b"\n"])
    }
}

/// The inside of a quoted parameter in a curl configuration file, where `\` and `"` are escaped.
fn curl_quoted(text: &str) -> Zeroizing<String> {
    let mut quoted = Zeroizing::new(String::with_capacity(2 * text.len()));
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_curl_would_read_as_its_own_is_escaped() {
        assert_eq!(*curl_quoted(r#"a"b\c"#), r#"a\"b\\c"#);
        assert_eq!(*curl_quoted("Bearer eyJ.x-y_z"), "Bearer eyJ.x-y_z");
    }
}
