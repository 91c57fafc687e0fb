# Which ops files go together, and the manifest that comes out.

require "yaml"
require_relative "ops_file"

ROOT = File.expand_path("../../..", __dir__)
CF = File.join(ROOT, "manifests/cf")
FIXTURES = File.expand_path("../fixtures", __dir__)

module Combinations
  # A word is a file of manifests/cf; one with a slash is a file of cf-deployment (or of promfetcher's release).
  ALL = [
    %w[promfetch],
    %w[promfetch open-access],
    %w[promfetch audit-access],
    %w[promfetch open-access protected-access],
    %w[promfetch disable-broker],
    %w[promfetch route-registrar],
    %w[promfetch uaa-clients],
    %w[promfetch use-prebuilt],
    %w[promfetch smoke-test-app],
    %w[promfetch isolation-segment],
    %w[promfetch colocate-on-router],
    %w[promfetch cf/enable-backup-restore enable-backup],
    # cf-deployment's own file for the database on either side of promfetch.yml.
    %w[promfetch cf/use-postgres use-postgres],
    %w[cf/use-postgres promfetch use-postgres],
    %w[cf/use-postgres promfetch use-postgres disable-broker],
    %w[cf/use-postgres cf/enable-backup-restore promfetch use-postgres enable-backup],
    %w[promfetch cf/use-external-dbs use-external-db],
    %w[promfetch cf/use-external-dbs use-external-db disable-broker],
    %w[promfetch disable-broker open-access route-registrar],
    %w[promfetch uaa-clients disable-broker],
    %w[cf/use-postgres promfetch use-postgres uaa-clients disable-broker audit-access],
    %w[promfetch uaa-clients route-registrar audit-access use-prebuilt isolation-segment cf/enable-backup-restore enable-backup],
    %w[promfetch uaa-clients use-prebuilt colocate-on-router],
    # promfetcher's file may still be there.
    %w[promfetch replace-promfetcher],
    %w[cf/promfetcher promfetch replace-promfetcher],
    %w[cf/promfetcher promfetch replace-promfetcher audit-access],
    %w[cf/promfetcher promfetch replace-promfetcher protected-access],
    %w[promfetch route-registrar replace-promfetcher replace-promfetcher-route],
    %w[promfetch replace-promfetcher cf/enable-backup-restore enable-backup],
    %w[promfetch replace-promfetcher uaa-clients use-prebuilt],
    # In the order of the README, all that go together.
    %w[cf/promfetcher promfetch cf/enable-backup-restore uaa-clients route-registrar replace-promfetcher replace-promfetcher-route audit-access smoke-test-app enable-backup use-prebuilt],
    %w[promfetch cf/use-external-dbs use-external-db uaa-clients route-registrar protected-access smoke-test-app use-prebuilt]
  ].freeze

  module_function

  def file(name)
    name.start_with?("cf/") ? File.join(FIXTURES, "#{name.delete_prefix('cf/')}.yml") : File.join(CF, "#{name}.yml")
  end

  def manifest(names)
    base = YAML.load_file(File.join(FIXTURES, "cf-deployment.yml"))
    names.inject(base) { |document, name| OpsFile.apply(document, OpsFile.load(file(name))) }
  end
end
