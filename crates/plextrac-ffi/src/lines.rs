//! Header lines that C looks at, in one piece of memory.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::plextrac_str;

/// Names and values, each with a NUL behind it. Wiped when dropped.
pub(crate) struct Lines {
    text: Zeroizing<Vec<u8>>,
    places: Vec<Place>,
}

struct Place {
    name: Range<usize>,
    value: Range<usize>,
}

impl Lines {
    /// Copies `lines` into a buffer sized once.
    pub(crate) fn new(lines: &[(&str, &[u8])]) -> Self {
        let size = lines.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        let mut text = Zeroizing::new(Vec::with_capacity(size));
        let mut add = |bytes: &[u8]| {
            let start = text.len();
            text.extend_from_slice(bytes);
            text.push(0);
            start..start + bytes.len()
        };
        let places = lines
            .iter()
            .map(|(name, value)| Place { name: add(name.as_bytes()), value: add(value) })
            .collect();
        Self { text, places }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn get(&self, index: usize) -> Option<(plextrac_str, plextrac_str)> {
        let place = self.places.get(index)?;
        Some((self.view(&place.name), self.view(&place.value)))
    }

    /// The value of the first line of that name, in whichever case.
    pub(crate) fn find(&self, name: &str) -> Option<plextrac_str> {
        let has_name = |place: &&Place| self.text[place.name.clone()].eq_ignore_ascii_case(name.as_bytes());
        self.places.iter().find(has_name).map(|place| self.view(&place.value))
    }

    fn view(&self, place: &Range<usize>) -> plextrac_str {
        plextrac_str { data: self.text[place.start..].as_ptr().cast(), len: place.len() }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn lines_keep_their_order_and_each_part_is_followed_by_a_nul() {
        let given: [(&str, &[u8]); 3] = [("a", b"1"), ("empty", b""), ("a", b"2\xff")];
        let lines = Lines::new(&given);
        assert_eq!(lines.len(), 3);
        for (index, (name, value)) in given.into_iter().enumerate() {
            let (shown_name, shown_value) = lines.get(index).unwrap();
            for (shown, expected) in [(shown_name, name.as_bytes()), (shown_value, value)] {
                assert_eq!(shown.len, expected.len());
                assert_eq!(unsafe { CStr::from_ptr(shown.data) }.to_bytes(), expected);
            }
        }
        assert!(lines.get(3).is_none());
        let found = |name: &str| lines.find(name).map(|value| unsafe { CStr::from_ptr(value.data) });
        assert_eq!((found("A"), found("empty"), found("b")), (Some(c"1"), Some(c""), None));
        assert_eq!(lines.text.len(), lines.text.capacity(), "sized once");
    }
}
