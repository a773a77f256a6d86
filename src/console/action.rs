//! What an operator can do.

/// The keymap binds keys to these, help and footer are made from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    // Everywhere.
    Quit,
    Help,
    Palette,
    Events,
    NextPane,
    PreviousPane,
    Pane(u8),
    Back,
    Redraw,
    ToggleMouse,
    // Lists.
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Open,
    Mark,
    Sort,
    SortReverse,
    Filter,
    NextMatch,
    PreviousMatch,
    Copy,
    Export,
    Follow,
    Left,
    Right,
    /// A shorter or a longer time in charts.
    ShorterRange,
    LongerRange,
    /// Back to now.
    Newest,
    /// Logs and history around the moment and the object in hand.
    IncidentsOnly,
    LogsThen,
    HistoryThen,
    /// The whole console at the moment of the row in hand.
    ConsoleThen,
    // The past.
    EarlierMoment,
    LaterMoment,
    PlayPause,
    // The ensemble.
    Drain,
    Pause,
    StopServer,
    RestartServer,
    Stress,
    RunScheduler,
    PauseScheduler,
    Preview,
    StopRun,
    RunWorkload,
    // Files.
    Upload,
    Download,
    Migrate,
    Delete,
    // Logs.
    LevelFilter,
    SourceFilter,
    TimeRange,
    TypeRange,
    Context,
    ContainerLog,
    Wrap,
    LogColumns,
    CopyQuery,
    Searches,
    SaveSearch,
    RemoveSearch,
    /// Repeats in one row, or each in its own.
    Folding,
    /// The next event that is an error or a warning, of another minute, of another server.
    NextProblem,
    PreviousProblem,
    NextMinute,
    PreviousMinute,
    NextServer,
    PreviousServer,
}
