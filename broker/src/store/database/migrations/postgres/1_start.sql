CREATE TABLE promfetch_meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- Whoever works on a service instance locks the row of its slot.
CREATE TABLE promfetch_slots (
    slot BIGINT NOT NULL PRIMARY KEY
);

INSERT INTO promfetch_slots (slot) SELECT generate_series(0, 63);

-- Texts are kept as they came; rows are found by the SHA-256 of ids.
CREATE TABLE promfetch_instances (
    instance_key TEXT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    service_id TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    organization_guid TEXT NOT NULL,
    space_guid TEXT NOT NULL,
    parameters TEXT NOT NULL,
    context TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);

CREATE TABLE promfetch_bindings (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    binding_key TEXT NOT NULL UNIQUE,
    -- None: adopted from promfetcher, and not seen with an instance yet.
    instance_key TEXT REFERENCES promfetch_instances (instance_key) ON DELETE CASCADE,
    binding_id TEXT NOT NULL,
    service_id TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    app_guid TEXT,
    space_guid TEXT NOT NULL,
    endpoint TEXT,
    parameters TEXT NOT NULL,
    nonce TEXT NOT NULL,
    created BIGINT NOT NULL,
    -- 1: a row with this id stood in promfetcher's table when promfetch last looked there or wrote.
    legacy_row BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX promfetch_bindings_instance ON promfetch_bindings (instance_key);

-- Keys of instances that were deprovisioned, and of adopted bindings that were unbound while promfetcher's table was
-- not to be written: neither comes back to life. Only used on a database that was promfetcher's.
CREATE TABLE promfetch_deprovisioned (
    id_key TEXT NOT NULL PRIMARY KEY,
    since BIGINT NOT NULL
);
