//! The page that the browser shows at the end of a sign-in: plain, without a script, and without anything secret.

use std::fmt::Write;

/// A page.
#[derive(Clone, Debug)]
pub(super) struct Page {
    status: u16,
    html: String,
}

impl Page {
    /// The person is signed in.
    pub(super) fn done(connection: &str, account: Option<&str>) -> Self {
        let who = account
            .map_or_else(|| "You are signed in".to_owned(), |account| format!("{account} is signed in"));
        Self::of(
            200,
            "Signed in",
            &[&format!("{who} for the connection {connection}."), "You can close this page."],
        )
    }

    /// Nobody is signed in.
    pub(super) fn failed(connection: &str, problem: &str, hint: Option<&str>) -> Self {
        let first = format!("Nobody was signed in for the connection {connection}.");
        Self::of(400, "Not signed in", &[&first, problem, hint.unwrap_or_default()])
    }

    /// Some other address, or nothing to do.
    pub(super) fn nothing() -> Self {
        Self::of(404, "Nothing here", &["This place only takes the answer to a sign-in."])
    }

    fn of(status: u16, title: &str, paragraphs: &[&str]) -> Self {
        let mut html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{0}</title></head>\n<body>\n<h1>{0}</h1>\n",
            escaped(title)
        );
        for paragraph in paragraphs.iter().filter(|text| !text.is_empty()) {
            let _ = writeln!(html, "<p>{}</p>", escaped(paragraph));
        }
        html.push_str("</body>\n</html>\n");
        Self { status, html }
    }

    /// The page as an answer. Nothing of it may be kept, framed or told on by the browser.
    pub(super) fn into_response(self) -> axum::response::Response {
        let mut response = axum::response::Response::new(self.html.into());
        *response.status_mut() =
            http::StatusCode::from_u16(self.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
        ] {
            response.headers_mut().insert(name, http::HeaderValue::from_static(value));
        }
        response
    }
}

/// A text that HTML takes as text.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_an_answer_becomes_markup() {
        let page = Page::failed("a&b", "<script>alert(\"x\")</script>", Some("it's"));
        assert!(
            page.html.contains("<p>&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;</p>"),
            "{}",
            page.html
        );
        assert!(page.html.contains("connection a&amp;b."), "{}", page.html);
        assert!(page.html.contains("it&#39;s"), "{}", page.html);
    }
}
