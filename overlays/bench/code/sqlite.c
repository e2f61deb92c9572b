// SPDX-License-Identifier: Apache-2.0
/*
 * A lap of SQLite: a database in memory is filled, indexed, asked and changed.
 * The argument is how many rows. It prints what came of them, which is the same
 * everywhere. Of an operating system (SQLITE_OS_OTHER) SQLite gets nothing: no
 * file is opened. It comes as one file, without a header.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lap.h"
#include "sqlite3.c"

/* 1970-01-01 in days of the Julian calendar */
#define EPOCH	2440587.5

static int no_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file,
		   int flags, int *flags_out)
{
	(void)vfs;
	(void)name;
	(void)flags;
	(void)flags_out;
	file->pMethods = NULL;
	return SQLITE_CANTOPEN;
}

static int path_as_it_is(sqlite3_vfs *vfs, const char *name, int size,
			 char *path)
{
	(void)vfs;
	sqlite3_snprintf(size, path, "%s", name);
	return SQLITE_OK;
}

/* The same each time: what is random in a program does not run twice alike */
static int not_random(sqlite3_vfs *vfs, int size, char *bytes)
{
	(void)vfs;
	memset(bytes, 1, size);
	return size;
}

static int no_time(sqlite3_vfs *vfs, double *days)
{
	(void)vfs;
	*days = EPOCH;
	return SQLITE_OK;
}

int sqlite3_os_init(void)
{
	static sqlite3_vfs none = {
		.iVersion = 1,
		.szOsFile = sizeof(sqlite3_file),
		.mxPathname = 64,
		.zName = "none",
		.xOpen = no_file,
		.xFullPathname = path_as_it_is,
		.xRandomness = not_random,
		.xCurrentTime = no_time,
	};

	return sqlite3_vfs_register(&none, 1);
}

int sqlite3_os_end(void)
{
	return SQLITE_OK;
}

static sqlite3 *database;

static void check(int status)
{
	if (status == SQLITE_OK)
		return;
	fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(database));
	exit(1);
}

static int print_row(void *unused, int columns, char **values, char **names)
{
	int n = 0;

	(void)unused;
	(void)names;
	for (n = 0; n < columns; n++)
		printf("%s%s", n ? " " : "sqlite ", values[n]);
	puts("");
	return 0;
}

static void run(const char *sql)
{
	check(sqlite3_exec(database, sql, print_row, NULL, NULL));
}

static void insert(int rows)
{
	sqlite3_stmt *statement = NULL;
	int n = 0;

	check(sqlite3_prepare_v2(database,
				 "INSERT INTO item VALUES (?1, ?1 * 7919 % 997,"
				 " printf('item %d', ?1 * 31 % 1009), ?1 * 0.5)",
				 -1, &statement, NULL));
	for (n = 0; n < rows; n++) {
		check(sqlite3_bind_int(statement, 1, n));
		if (sqlite3_step(statement) != SQLITE_DONE)
			check(sqlite3_errcode(database));
		check(sqlite3_reset(statement));
	}
	check(sqlite3_finalize(statement));
}

int main(int argc, char *argv[])
{
	int rows = argc > 1 ? atoi(argv[1]) : 100;

	check(sqlite3_open(":memory:", &database));

	lap_begin();
	run("CREATE TABLE item (id INTEGER PRIMARY KEY, kind INTEGER,"
	    " name TEXT, price REAL); BEGIN");
	insert(rows);
	run("COMMIT; CREATE INDEX by_kind ON item (kind);"
	    "CREATE INDEX by_name ON item (name, price)");
	run("SELECT count(*), sum(price) FROM item WHERE name LIKE '%7%'");
	run("SELECT count(*), sum(n) FROM (SELECT kind, count(*) AS n FROM item"
	    " GROUP BY kind HAVING avg(price) > 10)");
	run("SELECT count(*) FROM item AS a JOIN item AS b"
	    " ON a.kind = b.id WHERE b.price < 100");
	run("UPDATE item SET price = price + length(name) WHERE kind % 3 = 0;"
	    "DELETE FROM item WHERE id % 5 = 0");
	run("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r"
	    " WHERE n < (SELECT count(*) FROM item)) SELECT sum(n * n) FROM r");
	run("SELECT group_concat(name, ', ') FROM (SELECT DISTINCT name FROM item"
	    " ORDER BY price DESC, name LIMIT 5)");
	lap_end();

	lap_print();
	check(sqlite3_close(database));
	return 0;
}
