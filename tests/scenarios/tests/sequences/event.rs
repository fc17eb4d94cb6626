//! What can happen, and how a seed becomes a sequence of it.

/// A world's habits, and what happens in it.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    pub(crate) habits: Habits,
    pub(crate) events: Vec<Event>,
}

/// What stays the same in a world.
#[derive(Clone, Debug)]
pub(crate) struct Habits {
    /// `approve = "always"`
    pub(crate) approval: bool,
    /// `unless-edited` for type, site, status and users, too.
    pub(crate) protects_all: bool,
    /// `statuses.deleted_after_runs`
    pub(crate) deleted_after: u64,
    /// Form of answers to writes: a list, the first, the last object.
    pub(crate) reply: u64,
    /// Answers carry ids alone.
    pub(crate) terse: bool,
}

/// One thing that happens. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    // In Intune.
    Rename(u64),
    Model(u64, u64),
    Version(u64, u64),
    User(u64, u64),
    Compliance(u64),
    Serial(u64, u64),
    Remove(u64),
    Restore(u64),
    /// Removed, and the same machine under a new id.
    Reenrol(u64),
    /// The same serial number under a new id, and the old one is still there.
    Twin(u64),
    // In Halo.
    Edit(u64, Member, u64),
    EmptyIntuneId(u64),
    DeleteAsset(u64),
    Deactivate(u64),
    /// An asset that a person made, with a serial number that a device has.
    Duplicate(u64),
    // Commands.
    Import,
    /// An import that a fault disturbs.
    Disturbed(Trouble, u64),
    /// An import that is killed at its so many-th request of a kind; and whether that request was carried out.
    Killed(Place, u64, Carried),
    /// A plan that is stored.
    Plan,
    /// The last stored plan is applied, with approval.
    ApplyStored,
    /// A run is taken back, one of the last; and the plan of that is applied.
    Revert(u64),
}

/// What people edit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Member {
    Model,
    Version,
    Manufacturer,
    Name,
    Type,
    Site,
    Status,
    Users,
}

/// What disturbs a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    PageLost,
    PageRepeated,
    PageFails,
    ReadFails,
    WriteFails,
    WriteThrottled,
    WriteReset,
    WriteLost,
    WriteHalf,
    WriteForbidden,
}

/// Where a run is killed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Write,
    HaloRead,
    GraphRead,
}

/// Whether the request at which a run is killed was carried out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Carried {
    Out,
    Not,
}

/// Numbers that follow from a seed.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

impl Sequence {
    /// The sequence of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let habits = Habits {
            approval: random.below(4) == 0,
            protects_all: random.below(2) == 0,
            deleted_after: 1 + random.below(2),
            reply: random.below(3),
            terse: random.below(4) == 0,
        };
        let length = 5 + random.below(9);
        let events = (0..length).map(|_| event(&mut random)).collect();
        Self { habits, events }
    }
}

fn event(random: &mut Random) -> Event {
    use Member::{Manufacturer, Model, Name, Site, Status, Type, Users, Version};
    use Trouble::{
        PageFails, PageLost, PageRepeated, ReadFails, WriteFails, WriteForbidden, WriteHalf, WriteLost,
        WriteReset, WriteThrottled,
    };
    let device = random.below(5);
    let asset = random.below(8);
    let value = random.below(4);
    match random.below(40) {
        0 => Event::Rename(device),
        1 | 2 => Event::Model(device, value),
        3 => Event::Version(device, value),
        4 => Event::User(device, value),
        5 => Event::Compliance(device),
        6 => Event::Serial(device, random.below(6)),
        7..=9 => Event::Remove(device),
        10 => Event::Restore(device),
        11 | 12 => Event::Reenrol(device),
        13 => Event::Twin(device),
        14..=18 => {
            let members = [Model, Model, Version, Manufacturer, Name, Type, Site, Status, Status, Users];
            Event::Edit(asset, random.one_of(&members), value)
        }
        19 => Event::EmptyIntuneId(asset),
        20 => Event::DeleteAsset(asset),
        21 => Event::Deactivate(asset),
        22 => Event::Duplicate(device),
        23..=28 => Event::Import,
        29..=32 => {
            let troubles = [
                PageLost,
                PageRepeated,
                PageFails,
                ReadFails,
                WriteFails,
                WriteThrottled,
                WriteReset,
                WriteLost,
                WriteLost,
                WriteHalf,
                WriteForbidden,
            ];
            Event::Disturbed(random.one_of(&troubles), random.below(3))
        }
        33 | 34 => {
            let place = random.one_of(&[Place::Write, Place::Write, Place::HaloRead, Place::GraphRead]);
            Event::Killed(place, random.below(4), random.one_of(&[Carried::Out, Carried::Not]))
        }
        35 => Event::Plan,
        36 | 37 => Event::ApplyStored,
        _ => Event::Revert(random.below(3)),
    }
}
