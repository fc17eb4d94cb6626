//! Who may import a connection. Taken, renewed and checked while the writer is held, so that nothing comes between
//! the check of a fence and the changes it allows.

use super::Inner;
use super::codec::decode;
use super::commit::put;
use super::keys::Kind;
use crate::store::{Lease, StoreError};
use ::sled::Batch;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The newest lease of a connection. It stays when it is released, so that fences only grow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LeaseRecord {
    fence: u64,
    /// `None`: released.
    holder: Option<String>,
    #[serde(with = "chrono::serde::ts_milliseconds")]
    since: DateTime<Utc>,
    #[serde(with = "chrono::serde::ts_milliseconds")]
    until: DateTime<Utc>,
}

impl Inner {
    fn lease(&self, connection: &str) -> Result<(Vec<u8>, Option<LeaseRecord>), StoreError> {
        let key = Kind::Lease.text(connection.as_bytes());
        let record = self.get(&key)?.map(|value| decode(Kind::Lease, &key, &value)).transpose()?;
        Ok((key, record))
    }

    fn until(&self, ttl: Duration) -> DateTime<Utc> {
        let now = self.folder.clock().now();
        TimeDelta::from_std(ttl)
            .ok()
            .and_then(|ttl| now.checked_add_signed(ttl))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// The record of a lease, if that lease is the newest and not released.
    fn held(&self, lease: &Lease) -> Result<(Vec<u8>, LeaseRecord), StoreError> {
        match self.lease(&lease.connection)? {
            (key, Some(record))
                if record.fence == lease.fence && record.holder.as_deref() == Some(&lease.holder) =>
            {
                Ok((key, record))
            }
            _ => {
                Err(StoreError::Fenced { connection: lease.connection.clone(), holder: lease.holder.clone() })
            }
        }
    }

    /// Refuses a lease that another has replaced. The caller holds the writer.
    pub(super) fn check_fence(&self, lease: &Lease) -> Result<(), StoreError> {
        self.held(lease).map(|_| ())
    }

    pub(super) fn acquire(
        &self,
        connection: String,
        holder: String,
        ttl: Duration,
    ) -> Result<Lease, StoreError> {
        let mut writer = self.writer();
        let now = self.folder.clock().now();
        let (key, record) = self.lease(&connection)?;
        let fence = match record {
            Some(LeaseRecord { holder: Some(holder), since, until, .. }) if until > now => {
                return Err(StoreError::Leased { connection, holder, since });
            }
            Some(LeaseRecord { fence, .. }) => fence + 1,
            None => 1,
        };
        let record = LeaseRecord { fence, holder: Some(holder.clone()), since: now, until: self.until(ttl) };
        let mut batch = Batch::default();
        put(&mut batch, Kind::Lease, key, &record)?;
        self.apply(batch)?;
        self.make_durable(&mut writer)?;
        Ok(Lease { connection, holder, fence })
    }

    pub(super) fn renew(&self, lease: &Lease, ttl: Duration) -> Result<(), StoreError> {
        let _writer = self.writer();
        let (key, record) = self.held(lease)?;
        let mut batch = Batch::default();
        put(&mut batch, Kind::Lease, key, &LeaseRecord { until: self.until(ttl), ..record })?;
        // Need not be durable: a process that opens the folder anew frees all leases.
        self.apply(batch)
    }

    pub(super) fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        let mut writer = self.writer();
        match self.held(lease) {
            Ok((key, record)) => {
                let mut batch = Batch::default();
                put(&mut batch, Kind::Lease, key, &LeaseRecord { holder: None, ..record })?;
                self.apply(batch)?;
                self.make_durable(&mut writer)
            }
            Err(StoreError::Fenced { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Frees what processes that are gone have left: who holds the folder is alone.
    pub(super) fn free_leases(&self) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for row in self.db.scan_prefix(Kind::Lease.text(b"")) {
            let (key, value) = row.map_err(|error| self.error("read", error))?;
            let record: LeaseRecord = decode(Kind::Lease, &key, &value)?;
            if record.holder.is_some() {
                put(&mut batch, Kind::Lease, key.to_vec(), &LeaseRecord { holder: None, ..record })?;
            }
        }
        let _writer = self.writer();
        self.apply(batch)
    }
}
