CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE meta (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE place (
	id INTEGER NOT NULL, 
	system TEXT NOT NULL, 
	datatype TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (system, datatype)
);
CREATE TABLE lease (
	name TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	host TEXT NOT NULL, 
	pid INTEGER NOT NULL, 
	born TEXT NOT NULL, 
	since TEXT NOT NULL, 
	beat TEXT NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE cursor (
	place INTEGER NOT NULL, 
	mark TEXT, 
	mapping TEXT NOT NULL, 
	read_at TEXT, 
	complete_at TEXT, 
	complete_count INTEGER, 
	PRIMARY KEY (place), 
	FOREIGN KEY(place) REFERENCES place (id)
);
CREATE TABLE seen (
	"row" INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	print BLOB NOT NULL, 
	PRIMARY KEY ("row"), 
	UNIQUE (place, id)
);
CREATE TABLE inbox (
	place INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	native_id TEXT NOT NULL, 
	content BLOB, 
	version TEXT, 
	modified TEXT, born INTEGER, 
	PRIMARY KEY (place, id)
)
 WITHOUT ROWID;
CREATE TABLE link (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	flow TEXT NOT NULL, 
	state TEXT NOT NULL, 
	agreed TEXT DEFAULT '{}' NOT NULL, 
	dirty INTEGER DEFAULT '0' NOT NULL, 
	pinned INTEGER DEFAULT '0' NOT NULL, 
	why TEXT, 
	since TEXT
);
CREATE INDEX link_dirty ON link (flow, id) WHERE dirty = 1;
CREATE TABLE member (
	link INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	native_id TEXT NOT NULL, 
	base TEXT NOT NULL, 
	behind TEXT DEFAULT '' NOT NULL, 
	version TEXT, 
	modified TEXT, 
	clean INTEGER DEFAULT '1' NOT NULL, 
	gone INTEGER DEFAULT '0' NOT NULL, 
	open INTEGER DEFAULT '1' NOT NULL, created TEXT, 
	PRIMARY KEY (link, place, id)
)
 WITHOUT ROWID;
CREATE INDEX member_closed ON member (place, id) WHERE open = 0;
CREATE UNIQUE INDEX member_ref ON member (place, id) WHERE open = 1;
CREATE TABLE match_key (
	flow TEXT NOT NULL, 
	rule INTEGER NOT NULL, 
	"key" BLOB NOT NULL, 
	link INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	PRIMARY KEY (flow, rule, "key", link, place)
)
 WITHOUT ROWID;
CREATE INDEX match_key_link ON match_key (link, place);
CREATE TABLE wait (
	link INTEGER NOT NULL, 
	"row" TEXT NOT NULL, 
	target TEXT NOT NULL, 
	on_link INTEGER, 
	on_place INTEGER, 
	on_id TEXT
);
CREATE INDEX wait_link ON wait (link);
CREATE INDEX wait_on ON wait (on_place, on_id);
CREATE TABLE proposal (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	run INTEGER NOT NULL, 
	flow TEXT NOT NULL, 
	link INTEGER NOT NULL, 
	stage INTEGER NOT NULL, 
	verdict TEXT NOT NULL, 
	state TEXT NOT NULL, 
	ops TEXT NOT NULL, 
	body BLOB NOT NULL, 
	sent_at TEXT, 
	why TEXT
);
CREATE UNIQUE INDEX proposal_link ON proposal (link);
CREATE INDEX proposal_stage ON proposal (stage, id);
CREATE TABLE need (
	proposal INTEGER NOT NULL, 
	"row" TEXT NOT NULL, 
	link INTEGER NOT NULL, 
	system TEXT NOT NULL, 
	essential INTEGER NOT NULL
);
CREATE INDEX need_proposal ON need (proposal);
CREATE TABLE making (
	link INTEGER NOT NULL, 
	system TEXT NOT NULL, 
	proposal INTEGER NOT NULL, 
	PRIMARY KEY (link, system)
)
 WITHOUT ROWID;
CREATE TABLE held (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	kind TEXT NOT NULL, 
	flow TEXT, 
	link INTEGER, 
	"row" TEXT, 
	refs TEXT NOT NULL, 
	"values" TEXT NOT NULL, 
	base TEXT, 
	reason TEXT NOT NULL, 
	since TEXT NOT NULL, 
	run INTEGER, 
	decision TEXT, 
	decided_by TEXT, 
	decided_at TEXT, 
	closed_at TEXT
);
CREATE INDEX held_open ON held (link) WHERE closed_at IS NULL;
CREATE TABLE history (
	id INTEGER NOT NULL, 
	run INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	flow TEXT, 
	link INTEGER, 
	system TEXT, 
	ref TEXT, 
	op TEXT NOT NULL, 
	changes TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	caused_by TEXT, 
	"by" TEXT, 
	PRIMARY KEY (id)
);
CREATE INDEX history_link ON history (link);
CREATE INDEX history_ref ON history (ref);
CREATE INDEX history_run ON history (run);
CREATE TABLE run (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	kind TEXT NOT NULL, 
	started TEXT NOT NULL, 
	finished TEXT, 
	status INTEGER, 
	"by" TEXT, 
	report TEXT
);
