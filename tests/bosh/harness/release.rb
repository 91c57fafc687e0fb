# frozen_string_literal: true

require 'yaml'

module Harness
  # What `bosh create-release` asks of a release's folder, after bosh-cli's own readers (release/job, release/pkg): every
  # finding as a sentence.
  class ReleaseFolder
    def initialize(folder)
      @folder = folder
    end

    def problems
      final_yml + packages.flat_map { |name| package(name) } + Dir.children(File.join(@folder, 'jobs')).flat_map { |name| job(name) } + escapes
    end

    def packages
      Dir.children(File.join(@folder, 'packages'))
    end

    # Files of a package by its patterns, from src and blobs, relative to either.
    def files(pattern)
      %w[src blobs].flat_map do |root|
        Dir.glob(pattern, File::FNM_DOTMATCH, base: File.join(@folder, root)).reject { |file| File.directory?(File.join(@folder, root, file)) }
      end
    end

    private

    def read(path)
      YAML.safe_load(File.read(File.join(@folder, path), encoding: 'UTF-8'))
    end

    def final_yml
      config = read('config/final.yml')
      blobs = read('config/blobs.yml')
      found = []
      found << 'config/final.yml has no name' if config['name'].to_s.empty?
      found << 'config/final.yml has no blobstore' unless config.dig('blobstore', 'provider')
      found << 'config/blobs.yml is no map' unless blobs.is_a?(Hash)
      found
    end

    def package(name)
      at = "packages/#{name}"
      return [] if File.exist?(File.join(@folder, at, 'spec.lock'))

      spec = read("#{at}/spec")
      found = []
      found << "#{at}: the name is #{spec['name']}" unless spec['name'] == name
      found << "#{at}: there is no packaging" unless File.file?(File.join(@folder, at, 'packaging'))
      (spec['dependencies'] || []).each { |other| found << "#{at}: there is no package #{other}" unless packages.include?(other) }
      spec['files'].each do |pattern|
        matching = files(pattern)
        found << "#{at}: missing files for pattern '#{pattern}'" if matching.empty?
        found << "#{at}: a file is called packaging" if matching.include?('packaging')
      end
      found
    end

    def job(name)
      at = "jobs/#{name}"
      spec = read("#{at}/spec")
      found = []
      found << "#{at}: the name is #{spec['name']}" unless spec['name'] == name
      found << "#{at}: there is no monit" unless File.file?(File.join(@folder, at, 'monit'))
      (spec['templates'] || {}).each_key { |template| found << "#{at}: there is no template #{template}" unless File.file?(File.join(@folder, at, 'templates', template)) }
      left = Dir.glob('**/*', base: File.join(@folder, at, 'templates')).select { |file| File.file?(File.join(@folder, at, 'templates', file)) } - (spec['templates'] || {}).keys
      left.each { |template| found << "#{at}: the spec does not name the template #{template}" }
      (spec['packages'] || []).each { |package| found << "#{at}: there is no package #{package}" unless packages.include?(package) }
      unknown = spec.keys - %w[name description templates packages properties consumes provides]
      found << "#{at}: unknown keys #{unknown}" if unknown.any?
      found
    end

    # A link that leads out of the folder works here and nowhere else.
    def escapes
      Dir.glob('**/*', File::FNM_DOTMATCH, base: @folder).filter_map do |path|
        file = File.join(@folder, path)
        next unless File.symlink?(file)

        "#{path} leads out of the release" unless File.exist?(file) && File.realpath(file).start_with?("#{File.realpath(@folder)}/")
      end
    end
  end
end
