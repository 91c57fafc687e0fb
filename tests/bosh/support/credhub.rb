# Variables of a manifest, made as CredHub makes them.

require_relative "../harness/platform"
require_relative "combinations"

module Credhub
  GIVEN = YAML.load_file(File.join(CF, "vars-example.yml")).freeze
  PASSWORD = "Pw-0123456789abcdefghij".freeze

  # A certificate is slow to make; which one it is does not matter to a configuration.
  CERTIFICATE = begin
    authority = Harness::Authority.new("any")
    certificate, key = authority.issue("any")
    { "ca" => authority.pem, "certificate" => certificate, "private_key" => key }.freeze
  end

  module_function

  # The manifest with all variables filled in; `certain` gives values for those that a test cares for.
  def filled_in(manifest, certain = {})
    values = manifest["variables"].to_h { |variable| [variable["name"], variable["type"] == "certificate" ? CERTIFICATE : PASSWORD] }
    fill(manifest.reject { |key, _| key == "variables" }, values.merge(GIVEN, certain))
  end

  def fill(value, values)
    case value
    when Hash then value.transform_values { |inner| fill(inner, values) }
    when Array then value.map { |inner| fill(inner, values) }
    when /\A\(\(([^()]+)\)\)\z/ then look_up(Regexp.last_match(1), values)
    when String then value.gsub(/\(\(([^()]+)\)\)/) { look_up(Regexp.last_match(1), values).to_s }
    else value
    end
  end

  def look_up(reference, values)
    name, part = reference.split(".", 2)
    found = values.fetch(name)
    part ? found.fetch(part) : found
  end
end
