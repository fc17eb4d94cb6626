//! The index of users as a file of its own, for runs over unchanged users: one read instead of one for every user.
//!
//! What it holds can always be made anew from the store. It counts only while the store's users are those that it was
//! made from, which the store tells by a number that every change of a user changes.

use crate::store::{Store, USERS_GENERATION};
use crate::sync::beside::beside;
use crate::sync::error::SyncError;
use futures_util::StreamExt;
use integrator_core::decide::UserIndex;
use integrator_core::model::DeviceKey;
use integrator_core::settings::Users;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Halo's users by the identifier of the settings, from the file in `folder` or from the store.
pub(crate) async fn user_index(
    store: &dyn Store,
    settings: &Users,
    folder: &Path,
) -> Result<UserIndex, SyncError> {
    let generation = store.mark(USERS_GENERATION).await?;
    let generation = generation.as_ref().and_then(|mark| mark.as_str()).map(str::to_owned);
    let place = folder.join(name(settings));
    if let Some(generation) = generation.clone() {
        let place = place.clone();
        let read = tokio::task::spawn_blocking(move || read(&place, &generation)).await;
        if let Ok(Some(users)) = read {
            return Ok(users);
        }
    }
    let mut users = UserIndex::default();
    users.reserve(usize::try_from(store.user_count().await?).unwrap_or_default());
    let mut chunks = store.users();
    while let Some(chunk) = chunks.next().await {
        for user in chunk? {
            users.add(&user, settings);
        }
    }
    if let Some(generation) = generation
        && let Err(error) = write(&place, &generation, &users)
    {
        // Without the file the next run is slower, and nothing else.
        tracing::debug!(%error, file = %place.display(), "the index of users is not kept");
    }
    Ok(users)
}

/// The same for a look at the users of these identifiers alone: nothing is written, and nothing else is unpacked.
pub(crate) async fn user_index_of(
    store: &dyn Store,
    settings: &Users,
    folder: &Path,
    wanted: &[DeviceKey],
) -> Result<UserIndex, SyncError> {
    let generation = store.mark(USERS_GENERATION).await?;
    let generation = generation.as_ref().and_then(|mark| mark.as_str()).unwrap_or_default();
    let kept = fs::read(folder.join(name(settings)))
        .ok()
        .and_then(|bytes| UserIndex::from_bytes_of(bytes.strip_prefix(generation.as_bytes())?, wanted));
    match kept {
        Some(users) => Ok(users),
        None => user_index(store, settings, folder).await,
    }
}

/// One file for each way to find users.
fn name(settings: &Users) -> PathBuf {
    let field = settings.halo_field.as_deref().unwrap_or_default().to_lowercase();
    let digest = blake3::hash(format!("{:?} {field}", settings.identifier).as_bytes()).to_hex();
    PathBuf::from(format!("users-{}.index", digest.chars().take(12).collect::<String>()))
}

fn read(place: &Path, generation: &str) -> Option<UserIndex> {
    let bytes = fs::read(place).ok()?;
    UserIndex::from_bytes(bytes.strip_prefix(generation.as_bytes())?)
}

fn write(place: &Path, generation: &str, users: &UserIndex) -> io::Result<()> {
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder)?;
    }
    // Written beside its place and renamed: a reader sees the old file or the new one.
    let beside = beside(place);
    let mut file = fs::File::create(&beside)?;
    file.write_all(generation.as_bytes())?;
    file.write_all(&users.to_bytes())?;
    fs::rename(&beside, place)
}
