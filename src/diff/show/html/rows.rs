//! Two texts side by side: lines beside lines, what differs marked, what is the same folded.
//!
//! Bounded: of many lines it shows the first, and of a long line its beginning; what it leaves out it says.

use super::aligned::{Line, Row, align};
use super::markup::Markup;
use super::words::count;
use crate::diff::{Change, Content};
use crate::emit::yaml;

/// Lines around a difference that are shown.
const CONTEXT: usize = 3;
/// Fewer lines than these are not worth a fold.
const MIN_FOLDED: usize = 4;
/// Letters of a line that are shown.
const MAX_LETTERS: usize = 2_000;

/// What stands above the two sides.
const NAMES: &str =
    "<div class=\"row names\" aria-hidden=\"true\"><span>Before</span><span>After</span></div>";

/// What a change was and becomes, in lines.
pub(super) struct Texts {
    before: Option<Vec<String>>,
    after: Option<Vec<String>>,
    /// Whether it is data: then its lines lie in one another.
    is_data: bool,
}

/// The lines that differ.
#[derive(Clone, Copy, Default)]
pub(super) struct Sums {
    /// Lines that come.
    pub(super) gained: usize,
    /// Lines that go.
    pub(super) lost: usize,
}

impl Sums {
    fn total(self) -> usize {
        self.gained + self.lost
    }
}

impl Texts {
    pub(super) fn of(change: &Change) -> Self {
        let lines = |content: &Option<Content>| match content.as_ref()? {
            Content::Text(lines) => Some(lines.clone()),
            Content::Data(node) => {
                let text = yaml::print(std::slice::from_ref(&**node));
                Some(text.lines().map(str::to_owned).collect())
            }
        };
        let sides = [&change.before, &change.after];
        let mut sides = sides.into_iter().flatten();
        Texts {
            before: lines(&change.before),
            after: lines(&change.after),
            is_data: sides.all(|content| content.data().is_some()),
        }
    }

    /// Its rows.
    pub(super) fn rows(&self) -> Vec<Row<'_>> {
        let [before, after] = [&self.before, &self.after].map(|side| {
            let lines = side.iter().flatten();
            lines.map(String::as_str).collect::<Vec<&str>>()
        });
        align(&before, &after)
    }
}

/// How many lines of some rows differ.
pub(super) fn sums(rows: &[Row<'_>]) -> Sums {
    let mut sums = Sums::default();
    for row in rows {
        if let Row::Differing { before, after } = row {
            sums.gained += usize::from(after.is_some());
            sums.lost += usize::from(before.is_some());
        }
    }
    sums
}

/// Adds the rows of a text, at most `max` lines of it; whether they are all there.
pub(super) fn show(
    page: &mut Markup,
    texts: &Texts,
    rows: &[Row<'_>],
    (max, file): (usize, &str),
) -> bool {
    let mut sheet = Sheet {
        is_both: texts.before.is_some() && texts.after.is_some(),
        is_data: texts.is_data,
        left: max,
        left_folded: max,
    };
    let class = match (&texts.before, &texts.after) {
        (Some(_), Some(_)) => "diff both",
        (None, _) => "diff whole added",
        (_, None) => "diff whole removed",
    };
    let mut rest = 0;
    page.element("div", &[("class", class)], |page| {
        if sheet.is_both {
            page.own(NAMES);
        }
        let shown = sheet.rows(page, rows);
        rest = sums(&rows[shown..]).total();
        if rest > 0 {
            page.element("p", &[("class", "left-out")], |page| {
                let lines = count(rest, "more line");
                page.text(&format!("{lines} that differ: the rest is in "));
                page.leaf("code", &[], file);
            });
        }
    });
    rest == 0
}

/// The state of one text while it is shown.
struct Sheet {
    is_both: bool,
    is_data: bool,
    /// Lines that may still be shown.
    left: usize,
    /// Lines that may still be folded.
    left_folded: usize,
}

impl Sheet {
    /// Adds rows as far as they fit; how many did.
    fn rows(&mut self, page: &mut Markup, rows: &[Row<'_>]) -> usize {
        let mut shown = 0;
        while shown < rows.len() && self.left > 0 {
            self.row(page, rows, shown);
            shown += 1;
        }
        shown
    }

    fn row(&mut self, page: &mut Markup, rows: &[Row<'_>], at: usize) {
        match &rows[at] {
            Row::Same(lines) => {
                let before = if at == 0 { 0 } else { CONTEXT };
                let after = if at + 1 == rows.len() { 0 } else { CONTEXT };
                self.same(page, lines, before, after);
            }
            Row::Differing { before, after } => {
                self.left = self.left.saturating_sub(1);
                self.differing(page, before.as_ref(), after.as_ref());
            }
        }
    }

    fn differing(&self, page: &mut Markup, before: Option<&Line<'_>>, after: Option<&Line<'_>>) {
        page.element("div", &[("class", "row")], |page| {
            for (tag, side) in [("del", before), ("ins", after)] {
                match side {
                    Some(parts) => {
                        page.element(tag, &[("class", "line")], |page| line(page, parts));
                    }
                    None if self.is_both => page.own("<span class=\"void\"></span>"),
                    None => {}
                }
            }
        });
        page.line_break();
    }

    /// Lines that both have: those around a difference, and the others folded.
    fn same(&mut self, page: &mut Markup, lines: &[&str], before: usize, after: usize) {
        let hidden = lines.len().saturating_sub(before + after);
        if hidden < MIN_FOLDED {
            return self.context(page, lines);
        }
        let (front, rest) = lines.split_at(before);
        let (folded, back) = rest.split_at(hidden);
        self.context(page, front);
        let way = match back.first() {
            Some(next) if self.is_data => way(folded, next),
            _ => Vec::new(),
        };
        self.fold(page, folded, &way);
        self.context(page, back);
    }

    fn context(&mut self, page: &mut Markup, lines: &[&str]) {
        if lines.is_empty() {
            return;
        }
        self.left = self.left.saturating_sub(lines.len());
        same(page, lines);
    }

    fn fold(&mut self, page: &mut Markup, lines: &[&str], way: &[&str]) {
        let label = |page: &mut Markup| {
            page.text(&count(lines.len(), "unchanged line"));
            if !way.is_empty() {
                page.text(" ");
                page.leaf("code", &[], &way.join(" \u{203a} "));
            }
        };
        if lines.len() > self.left_folded {
            page.element("p", &[("class", "fold")], label);
            return;
        }
        self.left_folded -= lines.len();
        page.element("details", &[("class", "fold")], |page| {
            page.element("summary", &[], label);
            same(page, lines);
        });
        page.line_break();
    }
}

/// Lines that both sides have; beside each other they are told once to whoever listens.
fn same(page: &mut Markup, lines: &[&str]) {
    let side = |page: &mut Markup| {
        for (index, text) in lines.iter().enumerate() {
            if index > 0 {
                page.line_break();
            }
            line(page, &[(text, false)]);
        }
    };
    page.element("div", &[("class", "row same")], |page| {
        page.element("span", &[("class", "line")], side);
        page.element(
            "span",
            &[("class", "line twin"), ("aria-hidden", "true")],
            side,
        );
    });
    page.line_break();
}

/// The beginning of a line, what differs in it marked.
fn line(page: &mut Markup, parts: &[(&str, bool)]) {
    let mut left = MAX_LETTERS;
    for (text, differs) in parts {
        let end = text
            .char_indices()
            .nth(left)
            .map_or(text.len(), |(end, _)| end);
        let shown = &text[..end];
        left -= shown.chars().count();
        match differs {
            _ if shown.is_empty() => {}
            true => page.leaf("mark", &[], shown),
            false => page.text(shown),
        }
    }
    let total: usize = parts.iter().map(|(text, _)| text.chars().count()).sum();
    if total > MAX_LETTERS {
        let left = format!(" and {}", count(total - MAX_LETTERS, "more letter"));
        page.leaf("span", &[("class", "left-out")], &left);
    }
}

/// What of the folded lines of YAML the next line lies in, from the outside in.
fn way<'a>(folded: &[&'a str], next: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut level = level(next);
    for line in folded.iter().rev() {
        if self::level(line) < level && !line.trim().is_empty() {
            level = self::level(line);
            found.push(line.trim().trim_end_matches(':'));
        }
    }
    found.reverse();
    found
}

/// How deep a line of YAML lies: an item lies in the key above it that stands as far to the left.
fn level(line: &str) -> usize {
    let text = line.trim_start();
    let item = usize::from(text.starts_with("- "));
    (line.len() - text.len()) * 2 + item
}

#[cfg(test)]
mod tests {
    use super::way;

    #[test]
    fn a_fold_tells_what_the_next_line_lies_in() {
        let folded = [
            "spec:",
            "  replicas: 1",
            "  template:",
            "    containers:",
            "    - env: []",
            "      image: a",
            "      ports:",
            "      - port: 1",
        ];
        assert_eq!(
            way(&folded, "      resources:"),
            ["spec", "template", "containers", "- env: []"]
        );
        assert_eq!(
            way(&folded, "    - name: b"),
            ["spec", "template", "containers"]
        );
        assert_eq!(way(&folded, "status: {}"), [""; 0]);
    }
}
