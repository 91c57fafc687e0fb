# frozen_string_literal: true

# What all tests of the release share. Each of them runs alone: `ruby tests/bosh/NAME.rb`, with PROMFETCH=path of the
# program where it needs one.

require 'digest'
require 'fileutils'
require 'json'
require 'minitest/autorun'
require 'open3'
require 'tmpdir'
require 'yaml'
require_relative 'template'

# Whatever the machine's locale is.
Encoding.default_external = Encoding::UTF_8

module Harness
  REPOSITORY = File.expand_path('../../..', __dir__)

  # The program under test.
  def self.promfetch
    path = ENV.fetch('PROMFETCH') { File.join(REPOSITORY, 'target/debug/promfetch') }
    raise "#{path} is not there: give the program with PROMFETCH=path" unless File.executable?(path)

    File.expand_path(path)
  end

  # A text of tests/data/config.
  def self.data(name)
    File.read(File.join(REPOSITORY, 'tests/data/config', name))
  end

  # Standard output, standard error and whether it went well.
  def self.run(*command, env: {}, input: '')
    out, err, status = Open3.capture3(env, *command, stdin_data: input)
    [out, err, status]
  end

  # What `promfetch check-config` says of this text.
  def self.check_config(text, env: {})
    Dir.mktmpdir do |folder|
      file = File.join(folder, 'promfetch.yml')
      File.write(file, text)
      out, err, status = run(promfetch, 'check-config', '-c', file, env: env)
      [status.exitstatus, out + err]
    end
  end

  # Waits until the block gives something.
  def self.eventually(what, seconds: 30)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
    loop do
      value = yield
      return value if value
      raise "in vain: #{what}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

      sleep 0.05
    end
  end
end
