-- A database as Lightbox 0.1.0 wrote it (schema 5), with one row of each kind. The password of both accounts is
-- "correct horse battery", hashed with cheap parameters. Made by sqlite3's `.dump`.
PRAGMA user_version = 5;
BEGIN TRANSACTION;
CREATE TABLE accounts (
	id INTEGER NOT NULL,
	username VARCHAR(64) NOT NULL,
	display_name VARCHAR(128) NOT NULL,
	password_hash VARCHAR(256) NOT NULL,
	disabled BOOLEAN NOT NULL,
	created_s DOUBLE NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (username)
);
INSERT INTO "accounts" VALUES(1,'kim','김','$argon2id$v=19$m=64,t=1,p=1$Fhoh30j3FQrNOHjdpyBJ5A$RJmFuoKKReieTrvx3LnCEuOs1dcjzvoxDSlX7sZGACc',0,1764000000.0);
INSERT INTO "accounts" VALUES(2,'lee','Lee','$argon2id$v=19$m=64,t=1,p=1$Fhoh30j3FQrNOHjdpyBJ5A$RJmFuoKKReieTrvx3LnCEuOs1dcjzvoxDSlX7sZGACc',1,1764000001.0);
CREATE TABLE desktops (
	id INTEGER NOT NULL,
	name VARCHAR(64) NOT NULL,
	title VARCHAR(128) NOT NULL,
	profile VARCHAR(64) NOT NULL,
	width_px INTEGER NOT NULL,
	height_px INTEGER NOT NULL,
	fixed BOOLEAN NOT NULL,
	"attach" VARCHAR(64),
	position INTEGER NOT NULL,
	share BOOLEAN NOT NULL,
	clipboard VARCHAR(256) NOT NULL,
	video VARCHAR(16) NOT NULL,
	video_monitors VARCHAR(128) NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (name)
);
INSERT INTO "desktops" VALUES(1,'reading','Reading room','radiology',1920,1080,1,NULL,0,0,'{}','exact','{"0":"exact"}');
CREATE TABLE display_checks (
	id INTEGER NOT NULL,
	username VARCHAR(64) NOT NULL,
	desktop VARCHAR(64) NOT NULL,
	checked_s DOUBLE NOT NULL,
	passed BOOLEAN NOT NULL,
	result TEXT NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "display_checks" VALUES(1,'kim','reading',1764000006.0,1,'{}');
CREATE TABLE entitlements (
	id INTEGER NOT NULL,
	desktop_id INTEGER NOT NULL,
	username VARCHAR(64) NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (desktop_id, username),
	FOREIGN KEY(desktop_id) REFERENCES desktops (id) ON DELETE CASCADE
);
INSERT INTO "entitlements" VALUES(1,1,'kim');
CREATE TABLE sessions (
	id VARCHAR(32) NOT NULL,
	username VARCHAR(64) NOT NULL,
	desktop VARCHAR(64) NOT NULL,
	instance VARCHAR(64) NOT NULL,
	state VARCHAR(16) NOT NULL,
	error VARCHAR(1024),
	created_s DOUBLE NOT NULL,
	changed_s DOUBLE NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "sessions" VALUES('bcdfghjkmn','kim','reading','lightbox-abc','ready',NULL,1764000002.0,1764000003.0);
INSERT INTO "sessions" VALUES('npqrstvwxz','lee','reading','lightbox-abc','failed','The X server of this desktop crashed (SIGSEGV).',1764000004.0,1764000005.0);
CREATE TABLE web_sessions (
	id_hash BLOB NOT NULL,
	account_id INTEGER NOT NULL,
	created_s DOUBLE NOT NULL,
	seen_s DOUBLE NOT NULL,
	PRIMARY KEY (id_hash),
	FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);
INSERT INTO "web_sessions" VALUES(X'00112233',1,1764000007.0,1764000008.0);
CREATE INDEX ix_sessions_username ON sessions (username);
CREATE INDEX ix_sessions_state ON sessions (state);
CREATE INDEX ix_display_checks_username ON display_checks (username);
CREATE INDEX ix_display_checks_checked_s ON display_checks (checked_s);
CREATE INDEX ix_entitlements_username ON entitlements (username);
CREATE INDEX ix_web_sessions_account_id ON web_sessions (account_id);
COMMIT;
