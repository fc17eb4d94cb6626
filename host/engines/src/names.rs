//! Names that people write: how they look, and which one was meant.

/// `did you mean …`, when one of the names is near enough.
pub(crate) fn did_you_mean<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let bare = |text: &str| text.to_lowercase().replace(['_', '-', ' ', '.'], "");
    let wanted = bare(written);
    // A long text is not compared: that costs the product of the lengths.
    if wanted.is_empty() || wanted.len() > 100 {
        return None;
    }
    let (distance, name) =
        names.map(|name| (strsim::osa_distance(&wanted, &bare(name)), name)).min_by_key(|near| near.0)?;
    (distance <= name.len().max(wanted.len()).div_ceil(3).min(4)).then(|| format!("did you mean `{name}`?"))
}
