//! Tables in Markdown, and their places in a document.

/// A table.
pub(crate) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|cell| (*cell).to_owned()).collect(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(crate) fn draw(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = vec!["---".to_owned(); self.head.len()];
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("{}{}{rows}", line(&self.head), line(&rule))
    }
}

/// Puts a table between the marks of its place. `None` if the document has no such place.
pub(crate) fn put(document: &str, name: &str, table: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- simulated: {name} -->\n"), "<!-- end of simulated -->");
    let (before, rest) = document.split_once(&begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}\n{table}\n{end}{after}"))
}

/// Milliseconds as seconds.
pub(crate) fn seconds(ms: Option<u64>) -> String {
    ms.map_or_else(|| "never".to_owned(), |ms| format!("{:.1} s", ms as f64 / 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_replaces_the_one_before() {
        let document = "a\n<!-- simulated: x -->\nold\n<!-- end of simulated -->\nb\n";
        let mut table = Table::new(&["one", "two"]);
        table.row(vec!["1".into(), "2".into()]);
        let text = put(document, "x", &table.draw()).unwrap();
        assert!(
            text.contains("| one | two |\n| --- | --- |\n| 1 | 2 |\n") && !text.contains("old"),
            "{text}"
        );
        assert_eq!(put(&text, "x", &table.draw()).unwrap(), text);
        assert_eq!(put(document, "y", "t"), None);
    }
}
