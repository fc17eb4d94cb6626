//! Reproducible choices: the same seed and place always give the same value, in any order of asking.

/// Choices about one thing (a device, a user).
#[derive(Clone, Copy, Debug)]
pub(super) struct Choices {
    base: u64,
}

impl Choices {
    pub(super) fn new(seed: u64, kind: u64, index: u64) -> Self {
        Self { base: mix(mix(seed ^ mix(kind)) ^ index) }
    }

    /// 64 bits for one purpose.
    pub(super) fn bits(self, purpose: u64) -> u64 {
        mix(self.base ^ mix(purpose))
    }

    /// A number below `bound` for one purpose.
    pub(super) fn below(self, purpose: u64, bound: u64) -> u64 {
        self.bits(purpose) % bound.max(1)
    }

    /// One of the items for one purpose.
    pub(super) fn pick<T: Copy>(self, purpose: u64, items: &[T]) -> T {
        let length = u64::try_from(items.len()).unwrap_or(1);
        items[usize::try_from(self.below(purpose, length)).unwrap_or(0)]
    }

    /// A text of this many characters of an alphabet.
    pub(super) fn text(self, purpose: u64, alphabet: &[u8], length: usize) -> String {
        let mut bits = self.bits(purpose);
        let size = u64::try_from(alphabet.len()).unwrap_or(1);
        (0..length)
            .map(|_| {
                let letter = alphabet[usize::try_from(bits % size).unwrap_or(0)];
                bits = mix(bits);
                char::from(letter)
            })
            .collect()
    }

    /// A GUID of version 4.
    pub(super) fn guid(self, purpose: u64) -> uuid::Uuid {
        let high = u128::from(self.bits(purpose));
        let low = u128::from(self.bits(purpose ^ 0xA5A5_A5A5));
        uuid::Builder::from_random_bytes(((high << 64) | low).to_be_bytes()).into_uuid()
    }
}

/// The finalizer of `SplitMix64`: every input bit changes half of the output bits.
pub(super) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
