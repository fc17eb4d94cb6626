//! Transcripts beside their scenarios: compared, or written anew with `UPDATE=1`.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

/// Compares a transcript with the one that is kept.
///
/// # Panics
///
/// When they differ; the message shows the lines.
pub fn check(path: &Path, transcript: &str) {
    if env::var_os("UPDATE").is_some_and(|value| value == "1") {
        fs::write(path, transcript).expect("the transcript can be written");
        return;
    }
    let kept = fs::read_to_string(path).unwrap_or_else(|error| {
        panic!("{} cannot be read ({error}); UPDATE=1 writes it\n\n{transcript}", path.display())
    });
    let kept = kept.replace("\r\n", "\n");
    assert!(
        kept == transcript,
        "the transcript is not that of {} (UPDATE=1 writes it anew)\n{}",
        path.display(),
        difference(&kept, transcript)
    );
}

/// The lines that differ, `-` kept and `+` now, each with its surroundings.
fn difference(kept: &str, now: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (kept.lines().collect(), now.lines().collect());
    // The longest common rest, by position in both.
    let mut common = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines: Vec<(char, &str)> = Vec::new();
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j >= new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            lines.push(('-', old[i]));
            i += 1;
        } else {
            lines.push(('+', new[j]));
            j += 1;
        }
    }
    let mut text = String::new();
    let mut gap = false;
    for (at, (mark, line)) in lines.iter().enumerate() {
        let near =
            lines[at.saturating_sub(2)..(at + 3).min(lines.len())].iter().any(|(mark, _)| *mark != ' ');
        if near {
            let _ = writeln!(text, "{mark} {line}");
        } else if !gap {
            text.push_str("  …\n");
        }
        gap = !near;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_the_changed_lines_and_their_surroundings() {
        let shown = difference("a\nb\nc\nd\ne\nf", "a\nb\nc\nd\nx\nf");
        assert_eq!(shown, "  …\n  c\n  d\n- e\n+ x\n  f\n");
    }
}
