//! Plots with two logarithmic axes, as SVG.

use std::fmt::Write;

/// A plot with lines.
pub(crate) struct Plot {
    title: &'static str,
    axes: (&'static str, &'static str),
    lines: Vec<(String, Vec<(f64, f64)>)>,
}

const SIZE: (f64, f64) = (720.0, 400.0);
/// Left, top, right and bottom of the area between the axes.
const AREA: (f64, f64, f64, f64) = (80.0, 40.0, 520.0, 350.0);
/// Distinguishable with impaired colour vision (Okabe and Ito).
const COLOURS: [&str; 5] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9"];

impl Plot {
    pub(crate) const fn new(title: &'static str, x: &'static str, y: &'static str) -> Self {
        Self { title, axes: (x, y), lines: Vec::new() }
    }

    /// A line through points. A value of zero has no logarithm, and is left out.
    pub(crate) fn line(&mut self, name: &str, points: Vec<(f64, f64)>) {
        let points = points.into_iter().filter(|(x, y)| *x > 0.0 && *y > 0.0).collect();
        self.lines.push((name.to_owned(), points));
    }

    pub(crate) fn draw(&self) -> String {
        let points = || self.lines.iter().flat_map(|(_, points)| points);
        let x_decades = decades(points().map(|(x, _)| *x));
        let y_decades = decades(points().map(|(_, y)| *y));
        let (left, top, right, bottom) = AREA;
        let x_at = |x: f64| left + (right - left) * part(x, x_decades);
        let y_at = |y: f64| bottom - (bottom - top) * part(y, y_decades);
        let mut svg = String::new();
        let _ = writeln!(
            svg,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" font-family="sans-serif" font-size="13">"#,
            SIZE.0, SIZE.1
        );
        let _ = writeln!(svg, r#"<rect width="100%" height="100%" fill="white"/>"#);
        text(&mut svg, (left, 24.0), "start", self.title);
        for decade in x_decades.0..=x_decades.1 {
            let x = x_at(10_f64.powi(decade));
            rule(&mut svg, (x, top), (x, bottom));
            text(&mut svg, (x, bottom + 18.0), "middle", &number(decade));
        }
        for decade in y_decades.0..=y_decades.1 {
            let y = y_at(10_f64.powi(decade));
            rule(&mut svg, (left, y), (right, y));
            text(&mut svg, (left - 6.0, y + 4.0), "end", &number(decade));
        }
        text(&mut svg, (f64::midpoint(left, right), bottom + 38.0), "middle", self.axes.0);
        let middle = f64::midpoint(top, bottom);
        let _ = writeln!(
            svg,
            r#"<text x="20" y="{middle:.1}" text-anchor="middle" transform="rotate(-90 20 {middle:.1})">{}</text>"#,
            self.axes.1
        );
        for (index, (name, points)) in self.lines.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            let path: Vec<String> =
                points.iter().map(|(x, y)| format!("{:.1},{:.1}", x_at(*x), y_at(*y))).collect();
            let _ = writeln!(
                svg,
                r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#,
                path.join(" ")
            );
            for (x, y) in points {
                let _ = writeln!(
                    svg,
                    r#"<circle cx="{:.1}" cy="{:.1}" r="3" fill="{colour}"/>"#,
                    x_at(*x),
                    y_at(*y)
                );
            }
            let y = top + 10.0 + 20.0 * index as f64;
            let _ = writeln!(
                svg,
                r#"<rect x="{:.1}" y="{:.1}" width="14" height="4" fill="{colour}"/>"#,
                right + 14.0,
                y - 6.0
            );
            text(&mut svg, (right + 34.0, y), "start", name);
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// The decades that hold all values.
fn decades(values: impl Iterator<Item = f64>) -> (i32, i32) {
    let (least, most) = values
        .fold((f64::MAX, f64::MIN_POSITIVE), |(least, most), value| (least.min(value), most.max(value)));
    let (first, last) = (least.min(most).log10().floor() as i32, most.log10().ceil() as i32);
    (first, last.max(first + 1))
}

/// Where between the decades a value is, from 0 to 1.
fn part(value: f64, (first, last): (i32, i32)) -> f64 {
    (value.log10() - f64::from(first)) / f64::from(last - first)
}

fn number(decade: i32) -> String {
    match decade {
        ..0 => format!("{}", 10_f64.powi(decade)),
        6.. => format!("{} million", 10_u64.pow(decade.unsigned_abs() - 6)),
        _ => {
            let digits = 10_u64.pow(decade.unsigned_abs()).to_string();
            let split = digits.len().saturating_sub(3);
            if digits.len() > 4 { format!("{},{}", &digits[..split], &digits[split..]) } else { digits }
        }
    }
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, text: &str) {
    let _ = writeln!(svg, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#);
}

fn rule(svg: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let _ = writeln!(svg, r##"<path d="M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}" stroke="#ddd"/>"##);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_between_the_axes() {
        let mut plot = Plot::new("a title", "clients", "seconds");
        plot.line("a line", vec![(10.0, 0.5), (100_000.0, 12.0), (7.0, 0.0)]);
        let svg = plot.draw();
        assert_eq!(svg.matches("<circle").count(), 2, "zero has no logarithm");
        assert!(svg.contains(r#"<circle cx="80.0""#) && svg.contains(r#"<circle cx="520.0""#), "{svg}");
        assert!(svg.contains(">100,000</text>") && svg.contains(">0.1</text>"), "{svg}");
    }
}
