//! Whole runs against a world in memory: it answers commands as the edge would, and every
//! event it gives is kept as the journal would keep it.

mod applying;
mod course;
mod gates;
mod landing;
mod memory;
mod recovery;
mod replies;
mod reversible;
mod rules;
mod spending;
mod world;
