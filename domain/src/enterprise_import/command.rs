//! What can be done to an [`super::EnterpriseImport`].

use super::{FailedRow, ImportMode, Plan, SourceFile};
use crate::id::ParkId;
use crate::park::Standing;

/// What can be done to an import. `standing` is how the one who commands it stands to its park, looked up.
#[derive(Debug, Clone)]
pub enum EnterpriseImportCommand {
    /// Keep what a file would do to the roster.
    Preview {
        /// Whose roster.
        park: ParkId,
        /// Looked up.
        standing: Standing,
        /// What was uploaded.
        file: SourceFile,
        /// Add, or add and change.
        mode: ImportMode,
        /// Worked out from the file and the roster.
        plan: Plan,
    },
    /// Carry it out.
    Commit {
        /// Looked up.
        standing: Standing,
        /// Worked out anew, from the same file and the roster as it is now.
        plan: Plan,
        /// Leave out rows with errors (跳过错误行).
        skip_invalid: bool,
    },
    /// So many rows are carried out. Only the runner says so.
    Advance {
        /// From the first row.
        done: u32,
        /// Those since the last time that could not be carried out.
        failed: Vec<FailedRow>,
    },
}
