internal import GRDB
internal import JSONSchema

/// The tables of a store, and how an older store comes to have them.
///
/// `entries` is written at the end only, in the order of commits, so that a commit of a hundred runs touches a few neighbouring
/// pages. Each entry points to the one before it of the same run (`previous`); the way into that chain is `runs.entry`.
/// The columns of `runs` after `owner` are copies of the newest entry and may be behind it: `owners.behind_from` is the
/// first entry that they may not show yet. ``StoredHead/query`` puts the two together.
enum Schema {
    /// "aikl": tells a store from any other SQLite file.
    static let applicationID: Int32 = 0x6169_6B6C

    /// One step for each version; a store of version n has taken the first n of them.
    static let migrations: [String] = [
        version1, version2, version3, version4, version5, version6, version7, version8, version9,
        version10, version11, version12,
    ]

    static var version: Int { migrations.count }

    /// The table of schedules, which older stores had once they had served one. `timing`: the times that a schedule had when it
    /// came to `time`, in words; NULL where that is not known.
    private static let version11 = """
        CREATE TABLE IF NOT EXISTS schedules (
            workflow TEXT NOT NULL,
            schedule TEXT NOT NULL,
            time INTEGER NOT NULL,
            run TEXT,
            paused INTEGER NOT NULL,
            PRIMARY KEY (workflow, schedule)
        ) STRICT, WITHOUT ROWID;
        ALTER TABLE schedules ADD COLUMN timing TEXT;
        """

    /// `runs.owner`: negative where the owner died with code of several runs under way, NULL where the run was let go.
    /// Status numbers: 0 queued, 1 running, 2 waiting, 3 waiting_human, 4 success, 5 failed, 6 cancelled.
    private static let version1 = """
        CREATE TABLE owners (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            lease_until INTEGER NOT NULL,
            behind_from INTEGER,
            deposed INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE TABLE runs (
            row INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            workflow TEXT NOT NULL,
            generation TEXT NOT NULL,
            lineage TEXT,
            created_at INTEGER NOT NULL,
            owner INTEGER,
            entry INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            arena_size INTEGER NOT NULL,
            status INTEGER NOT NULL,
            wake_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX unfinished_runs ON runs (status) WHERE status < 4;
        CREATE TABLE entries (
            id INTEGER PRIMARY KEY,
            run INTEGER NOT NULL,
            previous INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            arena_size INTEGER NOT NULL,
            status INTEGER NOT NULL,
            wake_at INTEGER NOT NULL,
            time INTEGER NOT NULL,
            events BLOB NOT NULL,
            arena BLOB NOT NULL,
            parts BLOB
        ) STRICT;
        CREATE TABLE contents (
            id INTEGER PRIMARY KEY,
            hash BLOB NOT NULL UNIQUE,
            bytes BLOB NOT NULL
        ) STRICT;
        CREATE TABLE content_uses (
            hash BLOB NOT NULL,
            entry INTEGER NOT NULL,
            PRIMARY KEY (hash, entry)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE generation_files (
            generation TEXT NOT NULL,
            position INTEGER NOT NULL,
            name TEXT NOT NULL,
            hash BLOB NOT NULL,
            PRIMARY KEY (generation, position)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE generation_holds (
            owner INTEGER NOT NULL,
            generation TEXT NOT NULL,
            PRIMARY KEY (owner, generation)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE inbox (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            run INTEGER NOT NULL,
            kind TEXT NOT NULL,
            target TEXT NOT NULL,
            payload BLOB NOT NULL,
            posted_at INTEGER NOT NULL,
            answer TEXT,
            answer_text TEXT
        ) STRICT;
        CREATE INDEX inbox_by_run ON inbox (run);
        """

    /// `origin` of a run: the permissions of its start as JSON, the fingerprint of its plan, the digest of its input. `format`
    /// of an entry: 1, events of 32 bytes as ``JournalDecoder`` reads them. `checksum`: ``Checksum`` of its events and values;
    /// NULL in entries of version 1.
    private static let version2 = """
        ALTER TABLE runs ADD COLUMN granted TEXT;
        ALTER TABLE runs ADD COLUMN fingerprint TEXT;
        ALTER TABLE runs ADD COLUMN input_digest TEXT;
        ALTER TABLE entries ADD COLUMN format INTEGER NOT NULL DEFAULT 1;
        ALTER TABLE entries ADD COLUMN checksum INTEGER;
        """

    /// `link` of an entry: its ``EntryLink``; NULL in entries of older versions.
    private static let version4 = "ALTER TABLE entries ADD COLUMN link BLOB;"

    /// `runs.tags`: all tags of a run as JSON, NULL for none; `run_tags` finds runs by each of them, with ``RunTag/key`` as the
    /// value. Neither is ever behind the entries. The indexes give the rows of a list in its order.
    private static let version5 = """
        ALTER TABLE runs ADD COLUMN tags TEXT;
        CREATE TABLE run_tags (
            name TEXT NOT NULL,
            value TEXT NOT NULL,
            run INTEGER NOT NULL,
            PRIMARY KEY (name, value, run)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX runs_by_workflow ON runs (workflow);
        CREATE INDEX runs_by_status ON runs (status);
        """

    private static let version6 = "CREATE INDEX runs_by_time ON runs (created_at);"

    /// What came of a run; most runs came of none.
    private static let version7 = "CREATE INDEX runs_by_lineage ON runs (lineage) WHERE lineage IS NOT NULL;"

    /// What the refusal of a message says besides its text, as JSON; NULL for nothing.
    private static let version8 = "ALTER TABLE inbox ADD COLUMN answer_details TEXT;"

    /// What is new in ``queueTables``, which a store that has them takes on with each of these steps.
    private static let version9 = ""
    private static let version12 = ""

    /// Runs that a debounce replaces are found by its key alone, whatever lanes they are in: ``queueTables`` has the index.
    private static let version10 = "DROP INDEX IF EXISTS queue_debounced;"
}
