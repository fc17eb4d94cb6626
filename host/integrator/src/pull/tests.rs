//! Tables of Halo's properties and what becomes of them.
