//! Functions on texts that rules need and rhai lacks.

use rhai::{Array, Dynamic, Engine};

/// What scripts can do with texts beyond what rhai brings.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_fn("like", |text: &str, pattern: &str| like(text, pattern))
        .register_fn("is_blank", |text: &str| text.trim().is_empty())
        .register_fn("is_blank", |(): ()| true)
        .register_fn("trimmed", |text: &str| text.trim().to_owned())
        .register_fn("upper", |text: &str| text.to_uppercase())
        .register_fn("lower", |text: &str| text.to_lowercase())
        .register_fn(
            "replaced",
            |text: &str, from: &str, to: &str| {
                if from.is_empty() { text.to_owned() } else { text.replace(from, to) }
            },
        )
        .register_fn("digits", |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>())
        .register_fn("words", |text: &str| -> Array {
            text.split_whitespace().map(|word| Dynamic::from(word.to_owned())).collect()
        });
}

/// Whether a text is like a pattern in which `*` stands for any characters and `?` for one; without regard to case.
fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let (mut at, mut of) = (0, 0);
    // Where to go on when what follows the last star does not fit: the star, and what it has taken so far.
    let mut back: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(of) {
            Some('*') => {
                back = Some((of, at));
                of += 1;
            }
            Some(c) if *c == '?' || text.get(at) == Some(c) => {
                at += 1;
                of += 1;
            }
            _ => {
                let Some((star, taken)) = back else { return false };
                back = Some((star, taken + 1));
                at = taken + 1;
                of = star + 1;
            }
        }
    }
    pattern.iter().skip(of).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn a_pattern_stands_for_the_whole_text() {
        for (text, pattern, expected) in [
            ("MTR-0412", "mtr-*", true),
            ("XMTR-0412", "mtr-*", false),
            ("Surface Hub 2S", "*hub*", true),
            ("abc", "a?c", true),
            ("abbc", "a?c", false),
            ("", "*", true),
            ("", "", true),
            ("a", "", false),
            ("aXbXc", "a*x*c", true),
            ("mississippi", "m*iss*ppi", true),
            ("mississippi", "m*iss*ppx", false),
        ] {
            assert_eq!(like(text, pattern), expected, "{text} {pattern}");
        }
    }
}
