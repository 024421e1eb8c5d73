//! The threads of this process, as the system shows them.

use std::fmt::Write;
use std::{fs, io};

/// The threads of this process by number.
pub(crate) fn tasks() -> io::Result<Vec<u32>> {
    let mut all: Vec<u32> = fs::read_dir("/proc/self/task")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    all.sort_unstable();
    Ok(all)
}

/// A file of a thread; empty where the system does not show it, or the thread has ended.
pub(crate) fn of_task(task: u32, file: &str) -> String {
    fs::read_to_string(format!("/proc/self/task/{task}/{file}"))
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// Every thread and what it does or waits for, as text for people.
///
/// # Errors
/// Where the system does not show the threads.
pub fn threads() -> io::Result<String> {
    let mut text =
        "The threads of a Basalt daemon; a goroutine is what it does not have.\n".to_owned();
    for task in tasks()? {
        let status = of_task(task, "status");
        let state = status
            .lines()
            .find_map(|line| line.strip_prefix("State:"))
            .unwrap_or_default()
            .trim();
        let _ = writeln!(text, "thread {task} {:?}: {state}", of_task(task, "comm"));
        for (name, file) in [
            ("waits in", "wchan"),
            ("system call", "syscall"),
            ("kernel stack", "stack"),
        ] {
            let found = of_task(task, file);
            if !found.is_empty() {
                let _ = writeln!(text, "  {name}: {}", found.replace('\n', "\n    "));
            }
        }
    }
    Ok(text)
}
