//! The summaries of links and assets as files of their own, for runs over an unchanged store: two reads in their
//! order, instead of most pages of the database.
//!
//! What they hold can always be made anew from the store. A file counts only while the store's summaries are those
//! that it was made from, which the store tells by a mark that every change of a summary changes.

use crate::store::{AssetSummary, ChangeSet, Chunks, SUMMARIES_GENERATION, Store};
use crate::sync::beside::beside;
use crate::sync::error::SyncError;
use futures_util::StreamExt;
use integrator_core::model::{AssetId, DeviceKey, LinkState, LinkSummary};
use integrator_core::settings::Connection;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"summary\x01";
/// Bytes of the digest behind the entries.
const DIGEST: usize = 32;
/// Bytes read or written at once.
const BUFFER: usize = 256 * 1024;

/// Every link and every asset, as far as a run holds all of them.
#[derive(Debug, Default)]
pub(crate) struct Summaries {
    /// The connection's links to devices of the tenant, by key.
    pub(crate) links: Vec<LinkSummary>,
    /// Digest of each asset of the index, by number.
    pub(crate) digests: Vec<(AssetId, u64)>,
}

/// The summaries of a connection and its tenant, from the files in `folder` or from the store.
pub(crate) async fn summaries(
    store: &dyn Store,
    connection: &Connection,
    folder: &Path,
) -> Result<Summaries, SyncError> {
    let generation = generation(store).await?;
    let (links, assets) = places(connection, folder);
    let asked = (links.clone(), assets.clone(), generation.clone());
    let read = tokio::task::spawn_blocking(move || {
        let (links, assets, generation) = asked;
        Some(Summaries { links: read(&links, &generation)?, digests: read(&assets, &generation)? })
    });
    if let Ok(Some(summaries)) = read.await {
        return Ok(summaries);
    }
    let mut found = Summaries::default();
    let mut chunks = link_chunks(store, connection);
    while let Some(chunk) = chunks.next().await {
        found.links.extend(chunk?);
    }
    found.digests.reserve_exact(usize::try_from(store.asset_count().await?).unwrap_or_default());
    let mut chunks = store.asset_summaries();
    while let Some(chunk) = chunks.next().await {
        found.digests.extend(chunk?.into_iter().map(|one| (one.id, one.digest)));
    }
    kept(&links, write(&links, &generation, &found.links));
    kept(&assets, write(&assets, &generation, &found.digests));
    Ok(found)
}

/// After a run that wrote: makes the files anew, so that the next run reads them.
pub(crate) async fn keep_summaries(
    store: &dyn Store,
    connection: &Connection,
    folder: &Path,
) -> Result<(), SyncError> {
    let generation = generation(store).await?;
    let (links, assets) = places(connection, folder);
    if !is_of(&links, &generation) {
        let chunks = link_chunks(store, connection);
        kept(&links, copy(&links, &generation, chunks, |link: LinkSummary| link).await?);
    }
    if !is_of(&assets, &generation) {
        let chunks = store.asset_summaries();
        kept(&assets, copy(&assets, &generation, chunks, |one: AssetSummary| (one.id, one.digest)).await?);
    }
    Ok(())
}

/// The generation of the store's summaries. A store that has written none since generations are told gets a first.
async fn generation(store: &dyn Store) -> Result<String, SyncError> {
    let mark = store.mark(SUMMARIES_GENERATION).await?;
    if let Some(generation) = mark.as_ref().and_then(|mark| mark.as_str()) {
        return Ok(generation.to_owned());
    }
    let first = blake3::hash(uuid::Uuid::new_v4().as_bytes()).to_hex().to_string();
    let put_marks = vec![(SUMMARIES_GENERATION.to_owned(), first.clone().into())];
    store.commit(None, ChangeSet { put_marks, ..ChangeSet::default() }).await?;
    Ok(first)
}

fn link_chunks(store: &dyn Store, connection: &Connection) -> Chunks<LinkSummary> {
    store.link_summaries(&connection.id, connection.microsoft.tenant.key())
}

/// One file for the links of each connection and tenant, one for all assets.
fn places(connection: &Connection, folder: &Path) -> (PathBuf, PathBuf) {
    let ring = format!("{} {}", connection.id, connection.microsoft.tenant);
    let digest: String = blake3::hash(ring.as_bytes()).to_hex().chars().take(12).collect();
    (folder.join(format!("links-{digest}.index")), folder.join("assets.index"))
}

/// Without a file the next run is slower, and nothing else.
fn kept(place: &Path, written: io::Result<()>) {
    if let Err(error) = written {
        tracing::debug!(%error, file = %place.display(), "summaries are not kept");
    }
}

/// What stands in a file, always in as many bytes. Integers are little-endian.
trait Packed: Sized {
    /// Its kind, for the file's head.
    const KIND: u8;
    /// Bytes of each.
    const BYTES: usize;

    fn pack(&self, bytes: &mut Vec<u8>);

    /// `None` where the bytes are not those of one.
    fn unpack(bytes: &[u8]) -> Option<Self>;
}

impl Packed for LinkSummary {
    const KIND: u8 = b'l';
    const BYTES: usize = 41;

    fn pack(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.key.to_bytes());
        for number in [self.asset.0.cast_unsigned(), self.agreed, self.serial] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.push(match self.state {
            LinkState::Present => 0,
            LinkState::Missing => 1,
            LinkState::Deleted => 2,
            LinkState::Inactive => 3,
        });
    }

    fn unpack(mut bytes: &[u8]) -> Option<Self> {
        let key = DeviceKey::new(u128::from_be_bytes(take(&mut bytes)?));
        let asset = AssetId(i64::from_le_bytes(take(&mut bytes)?));
        let agreed = u64::from_le_bytes(take(&mut bytes)?);
        let serial = u64::from_le_bytes(take(&mut bytes)?);
        let state = match bytes {
            [0] => LinkState::Present,
            [1] => LinkState::Missing,
            [2] => LinkState::Deleted,
            [3] => LinkState::Inactive,
            _ => return None,
        };
        Some(Self { key, asset, agreed, state, serial })
    }
}

impl Packed for (AssetId, u64) {
    const KIND: u8 = b'a';
    const BYTES: usize = 16;

    fn pack(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.0.0.to_le_bytes());
        bytes.extend_from_slice(&self.1.to_le_bytes());
    }

    fn unpack(mut bytes: &[u8]) -> Option<Self> {
        Some((AssetId(i64::from_le_bytes(take(&mut bytes)?)), u64::from_le_bytes(take(&mut bytes)?)))
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

/// What a file of this kind and generation begins with. Generations are all of one length.
fn head<T: Packed>(generation: &str) -> Vec<u8> {
    let mut head = MAGIC.to_vec();
    head.push(T::KIND);
    head.extend_from_slice(generation.as_bytes());
    head
}

/// Whether a file is there that was made of this generation, by what it begins with.
fn is_of(place: &Path, generation: &str) -> bool {
    let mut found = vec![0; MAGIC.len() + 1 + generation.len()];
    File::open(place).and_then(|mut file| file.read_exact(&mut found)).is_ok()
        && found.ends_with(generation.as_bytes())
}

/// The entries of a file, if it is whole and of this generation.
fn read<T: Packed>(place: &Path, generation: &str) -> Option<Vec<T>> {
    let head = head::<T>(generation);
    let file = File::open(place).ok()?;
    let length = usize::try_from(file.metadata().ok()?.len()).ok()?;
    let entries = length.checked_sub(head.len() + DIGEST)?;
    if !entries.is_multiple_of(T::BYTES) {
        return None;
    }
    let mut file = BufReader::with_capacity(BUFFER, file);
    let mut found = vec![0; head.len()];
    file.read_exact(&mut found).ok()?;
    if found != head {
        return None;
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(&head);
    // As much room as they need and no more: there may be millions.
    let mut rows = Vec::with_capacity(entries / T::BYTES);
    let mut chunk = vec![0; T::BYTES * 1024];
    let mut left = entries;
    while left > 0 {
        let part = chunk.get_mut(..left.min(T::BYTES * 1024))?;
        file.read_exact(part).ok()?;
        hasher.update(part);
        for bytes in part.chunks_exact(T::BYTES) {
            rows.push(T::unpack(bytes)?);
        }
        left -= part.len();
    }
    let mut told = [0; DIGEST];
    file.read_exact(&mut told).ok()?;
    (hasher.finalize() == told).then_some(rows)
}

/// A file that is written beside its place and renamed: a reader sees the old one or the new one.
struct Writing {
    file: BufWriter<File>,
    beside: PathBuf,
    hasher: blake3::Hasher,
    bytes: Vec<u8>,
}

impl Writing {
    fn begin<T: Packed>(place: &Path, generation: &str) -> io::Result<Self> {
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder)?;
        }
        let beside = beside(place);
        let file = BufWriter::with_capacity(BUFFER, File::create(&beside)?);
        let mut writing = Self { file, beside, hasher: blake3::Hasher::new(), bytes: Vec::new() };
        writing.bytes = head::<T>(generation);
        writing.hand_over()?;
        Ok(writing)
    }

    fn rows<T: Packed>(&mut self, rows: impl IntoIterator<Item = T>) -> io::Result<()> {
        for row in rows {
            row.pack(&mut self.bytes);
            if self.bytes.len() >= BUFFER {
                self.hand_over()?;
            }
        }
        self.hand_over()
    }

    fn hand_over(&mut self) -> io::Result<()> {
        self.hasher.update(&self.bytes);
        self.file.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }

    fn finish(mut self, place: &Path) -> io::Result<()> {
        self.file.write_all(self.hasher.finalize().as_bytes())?;
        self.file.flush()?;
        fs::rename(&self.beside, place)
    }
}

fn write<T: Packed + Copy>(place: &Path, generation: &str, rows: &[T]) -> io::Result<()> {
    let mut writing = Writing::begin::<T>(place, generation)?;
    writing.rows(rows.iter().copied())?;
    writing.finish(place)
}

/// Writes what the store streams. The outer error is the store's, the inner one the file's.
async fn copy<S, T: Packed>(
    place: &Path,
    generation: &str,
    mut chunks: Chunks<S>,
    of: fn(S) -> T,
) -> Result<io::Result<()>, SyncError> {
    let mut writing = match Writing::begin::<T>(place, generation) {
        Ok(writing) => writing,
        Err(error) => return Ok(Err(error)),
    };
    while let Some(chunk) = chunks.next().await {
        if let Err(error) = writing.rows(chunk?.into_iter().map(of)) {
            return Ok(Err(error));
        }
    }
    Ok(writing.finish(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(number: u32) -> LinkSummary {
        let states = [LinkState::Present, LinkState::Missing, LinkState::Deleted, LinkState::Inactive];
        LinkSummary {
            key: DeviceKey::new(u128::from(number) << 64 | 7),
            asset: AssetId(i64::from(number) - 5),
            agreed: u64::from(number) * 3,
            state: states[number as usize % 4],
            serial: u64::MAX - u64::from(number),
        }
    }

    #[test]
    fn links_and_assets_come_back_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("cache").join("links.index");
        for count in [0, 1, 1024, 5000] {
            let links: Vec<LinkSummary> = (0..count).map(link).collect();
            write(&place, "generation", &links).unwrap();
            assert_eq!(read::<LinkSummary>(&place, "generation").as_ref(), Some(&links));
            let assets: Vec<(AssetId, u64)> = links.iter().map(|link| (link.asset, link.agreed)).collect();
            write(&place, "generation", &assets).unwrap();
            assert_eq!(read::<(AssetId, u64)>(&place, "generation"), Some(assets));
            assert_eq!(read::<LinkSummary>(&place, "generation"), None, "a file of another kind");
        }
    }

    #[test]
    fn a_file_of_another_generation_or_a_damaged_one_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("links.index");
        assert!(read::<LinkSummary>(&place, "one").is_none() && !is_of(&place, "one"));
        write(&place, "one", &[link(1), link(2)]).unwrap();
        assert!(is_of(&place, "one") && !is_of(&place, "two"));
        assert_eq!(read::<LinkSummary>(&place, "two"), None);
        let whole = fs::read(&place).unwrap();
        for index in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[index] ^= 1;
            fs::write(&place, &damaged).unwrap();
            assert_eq!(read::<LinkSummary>(&place, "one"), None, "byte {index}");
            fs::write(&place, &whole[..index]).unwrap();
            assert_eq!(read::<LinkSummary>(&place, "one"), None, "cut at {index}");
        }
    }
}
