-- MySQL ends transactions at each CREATE, so a step can be cut short. It is run again then: every statement has to
-- bear that.
CREATE TABLE IF NOT EXISTS promfetch_meta (
    name VARCHAR(64) NOT NULL PRIMARY KEY,
    value VARCHAR(255) NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

-- Whoever works on a service instance counts its slot's turns, and so locks the row.
CREATE TABLE IF NOT EXISTS promfetch_slots (
    slot BIGINT NOT NULL PRIMARY KEY,
    turns BIGINT NOT NULL DEFAULT 0
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

INSERT IGNORE INTO promfetch_slots (slot) VALUES
    (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15),
    (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31),
    (32), (33), (34), (35), (36), (37), (38), (39), (40), (41), (42), (43), (44), (45), (46), (47),
    (48), (49), (50), (51), (52), (53), (54), (55), (56), (57), (58), (59), (60), (61), (62), (63);

-- Texts are kept as they came; rows are found by the SHA-256 of ids.
CREATE TABLE IF NOT EXISTS promfetch_instances (
    instance_key CHAR(64) NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    service_id TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    organization_guid TEXT NOT NULL,
    space_guid TEXT NOT NULL,
    parameters LONGTEXT NOT NULL,
    context LONGTEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

CREATE TABLE IF NOT EXISTS promfetch_bindings (
    seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    binding_key CHAR(64) NOT NULL UNIQUE,
    -- NULL: adopted from promfetcher, and not seen with an instance yet.
    instance_key CHAR(64),
    binding_id TEXT NOT NULL,
    service_id TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    app_guid TEXT,
    space_guid TEXT NOT NULL,
    endpoint TEXT,
    parameters LONGTEXT NOT NULL,
    nonce CHAR(32) NOT NULL,
    created BIGINT NOT NULL,
    -- 1: a row with this id stood in promfetcher's table when promfetch last looked there or wrote.
    legacy_row BIGINT NOT NULL DEFAULT 0,
    FOREIGN KEY (instance_key) REFERENCES promfetch_instances (instance_key) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

-- Keys of instances that were deprovisioned, and of adopted bindings that were unbound while promfetcher's table was
-- not to be written: neither comes back to life. Only used on a database that was promfetcher's.
CREATE TABLE IF NOT EXISTS promfetch_deprovisioned (
    id_key CHAR(64) NOT NULL PRIMARY KEY,
    since BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;
