//! Texts of servers made fit for one line of a message.

/// How much of a server's text a message carries, in characters.
const LONGEST: usize = 500;

/// The text on one line: white space and control characters collapsed, at most 500 characters.
pub fn one_line(text: &str) -> String {
    let mut line = String::new();
    let mut count = 0;
    for word in text.split(|letter: char| letter.is_whitespace() || letter.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
            count += 1;
        }
        for letter in word.chars() {
            if count >= LONGEST {
                line.push('…');
                return line;
            }
            line.push(letter);
            count += 1;
        }
    }
    line
}

/// What an HTML page in place of JSON says: its title, else its first heading; `None` when it is no HTML.
pub fn html_summary(text: &str) -> Option<String> {
    let start: String = text.trim_start().chars().take(15).collect::<String>().to_ascii_lowercase();
    if !start.starts_with("<!doctype") && !start.starts_with("<html") && !start.starts_with("<head") {
        return None;
    }
    let named = ["title", "h1", "h2"].into_iter().find_map(|tag| element(text, tag));
    Some(match named {
        Some(title) => format!("an HTML page, \"{title}\""),
        None => "an HTML page".to_owned(),
    })
}

fn element(text: &str, tag: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let open = lower.find(&format!("<{tag}"))?;
    let start = open + lower.get(open..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</")?;
    let title = one_line(text.get(start..end)?);
    if title.is_empty() { None } else { Some(title) }
}

/// A value as one part of a path or query: all but letters, digits and `-._~` percent-encoded.
pub fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The text without a secret that a server may have echoed. One so short that any text holds it is no secret, and
/// taking it out would leave no text.
pub(crate) fn without_secret(text: &str, secret: &str) -> String {
    if secret.len() < 8 { text.to_owned() } else { text.replace(secret, "[secret]") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_several_lines_becomes_one_short_line() {
        assert_eq!(one_line("  a\r\n\tb  c "), "a b c");
        assert_eq!(one_line(&"x".repeat(600)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn an_html_page_is_told_by_its_title() {
        let page = "<html>\r\n<head><title>403 Forbidden</title></head><body></body></html>";
        assert_eq!(html_summary(page).as_deref(), Some("an HTML page, \"403 Forbidden\""));
        assert_eq!(html_summary("<!DOCTYPE html><p>x").as_deref(), Some("an HTML page"));
        assert_eq!(html_summary("{}"), None);
    }

    #[test]
    fn path_parts_are_encoded() {
        assert_eq!(percent_encoded("a/b c'd"), "a%2Fb%20c%27d");
    }
}
