//! Sends a document to an address that somebody set: no sign-in, no budget, no redirects.

use super::maker::ClientMaker;
use std::time::Duration;

/// How long one try may take.
const LONGEST: Duration = Duration::from_secs(10);

impl ClientMaker {
    /// Sends a JSON document with these headers, once. The error says on one line what was wrong; it never holds the
    /// address, which may be a secret itself.
    pub async fn tell(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<(), String> {
        let mut request = self.client.post(url).timeout(LONGEST).body(body);
        request = request.header(http::header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = request.send().await.map_err(|error| {
            let kind = if error.is_timeout() { "no answer in time" } else { "it could not be reached" };
            format!("{kind}: {}", error.without_url())
        })?;
        if answer.status().is_success() { Ok(()) } else { Err(format!("it answered {}", answer.status())) }
    }
}
