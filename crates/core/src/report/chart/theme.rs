//! The page's colours for a chart that stands in a file of its own.

use std::fmt::Write;

/// The page's own style, of which the colours are taken.
const STYLE: &str = include_str!("../style.css");

/// Where the light theme begins in the style.
pub(super) const LIGHT: &str = ":root {";
/// Where the dark one begins.
pub(super) const DARK: &str = "@media (prefers-color-scheme: dark)";

/// Rules for maps, without variables, which drawing programs do not know.
pub(super) fn rules(theme: &str) -> String {
    let color = |name: &str| color(theme, name);
    let (ink, muted, card) = (color("ink"), color("muted"), color("card"));
    let mut rules = format!(
        ".ground {{ fill: {card}; }}\n\
         text {{ fill: {ink}; font: 12px system-ui, \"Segoe UI\", Roboto, \"Noto Sans\", \"DejaVu Sans\", sans-serif; }}\n\
         .title {{ font-size: 15px; font-weight: 600; }}\n.axis-name {{ fill: {muted}; font-style: italic; }}\n\
         .field {{ fill: none; stroke: {}; }}\n.dashed {{ fill-opacity: .5; }}\n",
        color("edge"),
    );
    for number in 1..=8 {
        let _ = writeln!(rules, ".s{number} {{ fill: {}; }}", color(&format!("s{number}")));
    }
    rules
}

/// A colour by its name in a theme.
fn color(theme: &str, name: &str) -> &'static str {
    let theme = STYLE.split_once(theme).map_or("", |(_, rest)| rest);
    let value = theme.split_once(&format!("--{name}: ")).and_then(|(_, rest)| rest.split_once(';'));
    value.map_or("", |(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_themes_have_all_colours() {
        assert_eq!((color(LIGHT, "ink"), color(DARK, "ink")), ("#1c1e22", "#e9e7e2"));
        for theme in [LIGHT, DARK] {
            let rules = rules(theme);
            assert_eq!(rules.matches(": #").count(), 12, "{rules}");
            assert!(!rules.contains("fill: ;") && !rules.contains("var("));
        }
        assert_ne!(rules(LIGHT), rules(DARK));
    }
}
