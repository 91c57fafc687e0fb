# frozen_string_literal: true

# Renders the templates of a job as BOSH does, and is stricter where BOSH would let a mistake pass: a property that the spec
# does not declare is an error, in templates and in what a test gives.

require 'erb'
require 'yaml'

module Harness
  RELEASE = File.expand_path('../../../bosh', __dir__)

  class Unknown < StandardError; end

  # Look-up of dotted names in nested hashes, for properties and links alike.
  module Lookup
    def self.find(tree, name)
      name.split('.').inject(tree) { |at, key| at.is_a?(Hash) ? at[key] : (return nil) }
    end

    # As in BOSH: the first of the names that has a value; else the default; else an error.
    def self.property(tree, arguments)
      names = Array(arguments[0])
      names.each do |name|
        value = find(tree, name)
        return value unless value.nil?
      end
      return arguments[1] if arguments.length == 2

      raise Unknown, "Can't find property '#{names.join("', or '")}'"
    end
  end

  # What `if_p` and `if_link` give back, so that `.else` can follow.
  class Otherwise
    def initialize(wanted, context)
      @wanted = wanted
      @context = context
    end

    def else
      yield if @wanted
    end

    def else_if_p(*names, &block)
      @wanted ? @context.if_p(*names, &block) : self
    end

    def else_if_link(name, &block)
      @wanted ? @context.if_link(name, &block) : self
    end
  end

  Instance = Struct.new(:name, :index, :id, :az, :address, :properties, :bootstrap, keyword_init: true) do
    def p(*arguments)
      Harness::Lookup.property(properties || {}, arguments)
    end

    def if_p(*names)
      values = names.map { |name| Harness::Lookup.find(properties || {}, name) }
      return Otherwise.new(true, self) if values.any?(&:nil?)

      yield(*values)
      Otherwise.new(false, self)
    end
  end

  # A link: `Link.new('nats', properties: {...}, addresses: [...])`.
  class Link
    attr_reader :name, :instances, :properties, :address

    def initialize(name, properties: {}, addresses: ['10.0.16.4'], address: nil)
      @name = name
      @properties = properties
      @address = address || "q-s0.#{name}.default.cf.bosh"
      @instances = addresses.each_with_index.map do |place, index|
        Instance.new(name: name, index: index, id: "#{name}-#{index}", az: 'z1', address: place, properties: properties, bootstrap: index.zero?)
      end
    end

    def p(*arguments)
      Lookup.property(@properties, arguments)
    end

    def if_p(*names)
      values = names.map { |name| Lookup.find(@properties, name) }
      return Otherwise.new(true, self) if values.any?(&:nil?)

      yield(*values)
      Otherwise.new(false, self)
    end
  end

  # What templates see.
  class Context
    Spec = Struct.new(:address, :az, :bootstrap, :deployment, :id, :index, :ip, :name, :networks, keyword_init: true)

    attr_reader :spec, :asked, :asked_links

    def initialize(job, properties, links, instance)
      @job = job
      @properties = properties
      @links = links.to_h { |link| [link.name, link] }
      @spec = Spec.new(**{ address: '10.0.16.40', az: 'z1', bootstrap: true, deployment: 'cf', id: '3f0c-id', index: 0, ip: '10.0.16.40',
                           name: 'promfetch', networks: {} }.merge(instance))
      @asked = []
      @asked_links = []
    end

    def index
      @spec.index
    end

    def name
      @spec.name
    end

    def p(*arguments)
      Array(arguments[0]).each { |name| declared(name) }
      Lookup.property(@properties, arguments)
    end

    def if_p(*names)
      values = names.map { |name| p(name, nil) }
      return Otherwise.new(true, self) if values.any?(&:nil?)

      yield(*values)
      Otherwise.new(false, self)
    end

    def link(name)
      consumed(name)
      @links.fetch(name) { raise Unknown, "Can't find link '#{name}'" }
    end

    def if_link(name)
      consumed(name)
      return Otherwise.new(true, self) unless @links.key?(name)

      yield @links[name]
      Otherwise.new(false, self)
    end

    def for_erb
      binding
    end

    private

    # BOSH would answer nil, or the default of the call, for a name that is not in the spec.
    def declared(name)
      raise Unknown, "the spec of #{@job.name} does not declare the property '#{name}'" unless @job.properties.key?(name)

      @asked << name
    end

    def consumed(name)
      raise Unknown, "the spec of #{@job.name} does not consume the link '#{name}'" unless @job.consumes.any? { |link| link['name'] == name }

      @asked_links << name
    end
  end

  # A job of the release.
  class Job
    attr_reader :name, :spec

    def initialize(name, release: RELEASE)
      @name = name
      @folder = File.join(release, 'jobs', name)
      @spec = YAML.safe_load(File.read(File.join(@folder, 'spec'), encoding: 'UTF-8'))
    end

    def self.all(release: RELEASE)
      Dir.children(File.join(release, 'jobs')).sort.map { |name| new(name, release: release) }
    end

    def properties
      @spec['properties'] || {}
    end

    def consumes
      @spec['consumes'] || []
    end

    def provides
      @spec['provides'] || []
    end

    # What a link of this job carries, as the director hands it on.
    def provided(link, properties = {})
      names = provides.find { |one| one['name'] == link }.fetch('properties')
      all = with_defaults(properties)
      names.each_with_object({}) do |name, tree|
        *sections, last = name.split('.')
        sections.inject(tree) { |at, section| at[section] ||= {} }[last] = Lookup.find(all, name)
      end
    end

    # Names of templates to paths on the machine.
    def templates
      @spec['templates'] || {}
    end

    # Rules and dashboards are in manifests/ until scripts/copy-monitoring has run.
    def source(template)
      here = File.join(@folder, 'templates', template)
      return here if File.exist?(here)

      Dir[File.join(@folder, '../../../manifests/{prometheus,prometheus/rules,grafana}', template)].first || here
    end

    def monit
      File.read(File.join(@folder, 'monit'))
    end

    # The text of one template, by its path on the machine.
    def render(path, properties = {}, links: [], instance: {}, seen: nil)
      template = templates.key(path) or raise "#{@name} has no template for #{path}"
      links.each { |link| raise "#{@name} does not consume the link #{link.name}" unless consumes.any? { |one| one['name'] == link.name } }
      context = Context.new(self, with_defaults(properties), links, instance)
      # The director's own encoding may be ASCII, and so it is here.
      text = ERB.new(File.read(source(template), encoding: 'US-ASCII'), trim_mode: '-').result(context.for_erb)
      seen&.call(context.asked, context.asked_links)
      text
    end

    def render_all(properties = {}, links: [], instance: {}, seen: nil)
      templates.values.to_h { |path| [path, render(path, properties, links: links, instance: instance, seen: seen)] }
    end

    # Writes the job below `root` as the agent writes it below /var/vcap, with all paths moved there.
    def install(root, properties = {}, links: [], instance: {})
      render_all(properties, links: links, instance: instance).each do |path, text|
        file = File.join(root, 'jobs', @name, path)
        FileUtils.mkdir_p(File.dirname(file))
        File.write(file, text.gsub('/var/vcap', root))
        File.chmod(path.start_with?('bin/') ? 0o750 : 0o640, file)
      end
      File.join(root, 'jobs', @name)
    end

    private

    # Properties by dotted names (`'nats.user' => …`) or nested, over the defaults of the spec, as nested hashes.
    def with_defaults(given)
      given = flatten(given)
      unknown = given.keys - properties.keys
      raise Unknown, "the spec of #{@name} does not declare the property '#{unknown.first}'" if unknown.any?

      properties.each_with_object({}) do |(name, declared), tree|
        *sections, last = name.split('.')
        value = given.fetch(name, nil)
        value = declared['default'] if value.nil?
        sections.inject(tree) { |at, section| at[section] ||= {} }[last] = value
      end
    end

    def flatten(tree, prefix = nil)
      tree.each_with_object({}) do |(key, value), flat|
        name = [prefix, key].compact.join('.')
        if !properties.key?(name) && value.is_a?(Hash)
          flat.merge!(flatten(value, name))
        else
          flat[name] = value
        end
      end
    end
  end
end
