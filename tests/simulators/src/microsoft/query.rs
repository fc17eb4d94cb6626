//! Queries as OData writes them: parameters with `$`, and links that carry them on.

/// The parameters of a query, decoded, in the order in which they were sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    parameters: Vec<(String, String)>,
}

impl Query {
    pub(super) fn parse(query: &str) -> Self {
        Self { parameters: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The names of the parameters that belong to OData.
    pub(super) fn system_names(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|(name, _)| name.as_str()).filter(|name| name.starts_with('$'))
    }

    /// The names in `$select`, if it names any.
    pub(super) fn selected(&self) -> Option<Vec<String>> {
        let names: Vec<String> = self
            .get("$select")?
            .split(',')
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        (!names.is_empty()).then_some(names)
    }

    /// The query of the next page: the same parameters, with the token in place of an earlier one.
    pub(super) fn next(&self, token: &str) -> String {
        let kept = self.parameters.iter().filter(|(name, _)| name != "$skiptoken");
        let mut parts: Vec<String> =
            kept.map(|(name, value)| format!("{}={}", name, encoded(value))).collect();
        parts.push(format!("$skiptoken={token}"));
        parts.join("&")
    }
}

/// Percent-encoding as Graph's links have it, with small letters: `%3d%27`.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02x}")),
        }
    }
    out
}

/// A segment of a path without its percent-encoding.
pub(super) fn decoded(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%')
            .then(|| segment.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok()))
            .flatten();
        out.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_query_keeps_all_but_the_old_token() {
        let query = Query::parse("%24select=id%2CdeviceName&$top=4&$skiptoken=old");
        assert_eq!(query.next("new"), "$select=id%2cdeviceName&$top=4&$skiptoken=new");
    }

    #[test]
    fn decoding_undoes_encoding() {
        for text in ["O'Brien's PC", "太郎’s MacBook Air", "100%", "%zz", "a+b c"] {
            assert_eq!(decoded(&encoded(text)), text);
        }
    }
}
