# What becomes of the ops files: for each combination the variables are made as CredHub makes them, links are joined as BOSH
# joins them, the jobs of promfetch's release are rendered with what the manifest gives them, and promfetch checks
# its configuration. Between the manifest and a running promfetch only the network is missing then.
#
#     PROMFETCH=target/debug/promfetch ruby tests/bosh/ops_rendered.rb

require_relative "harness/suite"
require_relative "support/combinations"
require_relative "support/credhub"

class OpsRendered < Minitest::Test
  include Combinations
  include Credhub

  ALL.each do |names|
    define_method("test_#{names.join('_').tr('/-', '__')}") do
      manifest = filled_in(Combinations.manifest(names))
      jobs = manifest["instance_groups"].flat_map { |group| group["jobs"].map { |job| [group["name"], job] } }
      ours = jobs.select { |_, job| job["release"] == "promfetch" }
      Dir.mktmpdir("promfetch-ops") do |root|
        ours.each { |group, job| install(File.join(root, group), job, jobs) }
      end
    end
  end

  private

  def install(root, job, jobs)
    made = Harness::Job.new(job["name"])
    folder = made.install(root, job["properties"] || {}, links: links(made, job, jobs))
    return unless job["name"] == "promfetch"

    program = File.join(root, "packages/promfetch/bin/promfetch")
    FileUtils.mkdir_p(File.dirname(program))
    FileUtils.ln_s(Harness.promfetch, program)
    out, err, status = Harness.run("bash", File.join(folder, "bin/run"), "check-config")
    assert status.success?, out + err
    # Nothing is left to guess: no unknown key, nothing that promfetch warns about but open access.
    assert_empty (out + err).lines.grep(/unknown|did you mean|ignored/i)
  end

  # As the director does: what is named, else the only one of its type, else none.
  def links(made, job, jobs)
    made.consumes.filter_map do |wanted|
      said = (job["consumes"] || {}).fetch(wanted["name"], :implicit)
      next if [nil, "nil"].include?(said)

      providers = provided(wanted["type"], jobs).select { |name, _| said == :implicit || name == said.fetch("from") }
      assert_operator providers.size, :<=, 1, "#{job['name']}: several links of type #{wanted['type']}"
      assert wanted["optional"] || providers.any?, "#{job['name']}: no link #{wanted['name']}"
      providers.map { |_, properties| Harness::Link.new(wanted["name"], properties: properties) }.first
    end
  end

  # Names and properties of links of this type.
  def provided(type, jobs)
    jobs.flat_map do |_, job|
      links_of(job).filter_map do |link, link_type, properties|
        said = (job["provides"] || {}).fetch(link, {})
        [said["as"] || link, properties] if link_type == type && said.is_a?(Hash)
      end
    end
  end

  # Of promfetch's jobs by their specs; of cf-deployment's the two that count.
  def links_of(job)
    case job["name"]
    when "nats-tls" then [["nats-tls", "nats-tls", { "nats" => { "port" => 4224 }.merge(job["properties"]["nats"]) }]]
    when "postgres" then [["postgres", "database", job["properties"]]]
    else
      return [] unless job["release"] == "promfetch"

      made = Harness::Job.new(job["name"])
      made.provides.map do |link|
        defaults = made.properties.slice(*link["properties"]).transform_values { |declared| declared["default"] }
        properties = defaults.each_with_object({}) do |(name, default), tree|
          *sections, last = name.split(".")
          given = Harness::Lookup.find(job["properties"] || {}, name)
          sections.inject(tree) { |at, section| at[section] ||= {} }[last] = given.nil? ? default : given
        end
        [link["name"], link["type"], properties]
      end
    end
  end
end
