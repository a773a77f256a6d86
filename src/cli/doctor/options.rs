//! The options of `zkdeck doctor`.

/// Checks this machine and the stack, and prints what to type for each thing that is wrong. Changes nothing.
///
/// Exit code 0 when nothing failed, else 1.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::cli) struct DoctorOptions {
    /// Print a JSON array of {check, status, message, fix}
    #[arg(long)]
    pub(in crate::cli) json: bool,

    /// Read every byte of the store and hold it against its record
    #[arg(long)]
    pub(in crate::cli) hashes: bool,

    /// Make records for the files in quarantine: says which, and asks first
    #[arg(long, conflicts_with_all = ["json", "hashes"])]
    pub(in crate::cli) adopt: bool,

    /// Adopt without asking
    #[arg(long, requires = "adopt")]
    pub(in crate::cli) yes: bool,
}
