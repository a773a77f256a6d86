//! Rotated files that were packed by gzip: unpacked once, into a file without a name.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// A packed file may grow to this when unpacked; a larger one is refused.
const UNPACKED_MAX: u64 = 512 << 20;

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// The bytes of a packed file, and how many they are. The disk gives them back when the file closes.
pub(super) fn unpack(path: &Path) -> io::Result<(File, u64)> {
    let mut packed = flate2::read::MultiGzDecoder::new(File::open(path)?).take(UNPACKED_MAX + 1);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let place = std::env::temp_dir().join(format!("zkdeck-{}-{number}.log", std::process::id()));
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&place)?;
    std::fs::remove_file(&place)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut size = 0;
    loop {
        match packed.read(&mut buffer)? {
            0 => return Ok((file, size)),
            len => {
                file.write_all(&buffer[..len])?;
                size += len as u64;
            }
        }
        if size > UNPACKED_MAX {
            let why = format!("it unpacks to more than {} MiB; unpack it by hand", UNPACKED_MAX >> 20);
            return Err(io::Error::other(why));
        }
    }
}
