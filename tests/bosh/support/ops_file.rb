# Applies BOSH ops files as `bosh int` does, and no more leniently: a path that is not there is an error, unless `?`
# says that it may be missing. See "Operations files" in BOSH's documentation.

require "yaml"

module OpsFile
  class Error < StandardError; end

  # A step of a path. `kind`: :key (of a map), :index, :append (`-`), :match (`name=x` in a list).
  Step = Struct.new(:kind, :name, :value, :optional, :where, keyword_init: true) do
    def to_s
      case kind
      when :append then "-"
      when :index then name.to_s
      when :match then "#{name}=#{value}"
      else name
      end
    end
  end

  # The next element, for `:next` and `:prev`, and where in between to insert, for `:before` and `:after`.
  WHERE = %w[before after next prev].freeze

  module_function

  # The manifest with all operations of the file applied; the manifest given stays as it is.
  def apply(manifest, operations)
    operations.each_with_index.inject(copy(manifest)) do |document, (operation, number)|
      one(document, operation)
    rescue Error => error
      raise Error, "operation #{number} (#{operation['type']} #{operation['path']}): #{error.message}"
    end
  end

  def load(file)
    operations = YAML.load_file(file, aliases: true)
    raise Error, "#{file}: not a list of operations" unless operations.is_a?(Array)

    operations
  end

  def one(document, operation)
    unknown = operation.keys - %w[type path value]
    raise Error, "unknown keys #{unknown.join(', ')}" unless unknown.empty?

    steps = parse(operation.fetch("path"))
    case operation.fetch("type")
    when "replace"
      raise Error, "replace needs a value" unless operation.key?("value")

      return copy(operation["value"]) if steps.empty?

      replace(document, steps, copy(operation["value"]), [])
    when "remove"
      raise Error, "remove takes no value" if operation.key?("value")
      raise Error, "the root cannot be removed" if steps.empty?

      remove(document, steps, [])
    else
      raise Error, "unknown type"
    end
    document
  end

  def parse(path)
    raise Error, "a path begins with /" unless path.is_a?(String) && path.start_with?("/")
    return [] if path == "/"

    # From the first `?` on, all that follows may be missing.
    optional = false
    path.delete_prefix("/").split("/", -1).map do |text|
      raise Error, "empty step" if text.empty?

      optional = true if text.end_with?("?")
      step(text.delete_suffix("?"), optional)
    end
  end

  def step(text, optional)
    text, where = split_where(text)
    if text == "-"
      Step.new(kind: :append, optional: optional)
    elsif text.match?(/\A-?\d+\z/)
      Step.new(kind: :index, name: text.to_i, optional: optional, where: where)
    elsif (pair = text.match(/\A([^=]+)=(.*)\z/))
      Step.new(kind: :match, name: plain(pair[1]), value: plain(pair[2]), optional: optional, where: where)
    else
      raise Error, ":#{where} is for elements of lists" if where

      Step.new(kind: :key, name: plain(text), optional: optional)
    end
  end

  def split_where(text)
    found = text.match(/\A(.*):(#{WHERE.join('|')})\z/)
    found ? [found[1], found[2]] : [text, nil]
  end

  def plain(text)
    text.gsub("~1", "/").gsub("~7", ":").gsub("~0", "~")
  end

  def replace(node, steps, value, seen)
    step, *rest = steps
    here = "/#{(seen + [step]).join('/')}"
    case step.kind
    when :key
      raise Error, "#{here}: expected a map, found #{node.class}" unless node.is_a?(Hash)
      raise Error, "#{here}: no such key; there are #{node.keys.join(', ')}" unless node.key?(step.name) || step.optional

      return node[step.name] = value if rest.empty?

      node[step.name] = empty_for(rest.first, here) unless node.key?(step.name)
      replace(node[step.name], rest, value, seen + [step])
    when :append
      list(node, here)
      raise Error, "#{here}: - is for the end of a path" unless rest.empty?

      node << value
    else
      list(node, here)
      at = position(node, step, here)
      if at.nil?
        raise Error, "#{here}: an element to insert at is not there" if step.where
        return node << value if rest.empty?

        node << { step.name => step.value }
        at = node.size - 1
      end
      if %w[before after].include?(step.where)
        raise Error, "#{here}: :#{step.where} is for the end of a path" unless rest.empty?

        return node.insert(step.where == "before" ? at : at + 1, value)
      end
      return node[at] = value if rest.empty?

      replace(node[at], rest, value, seen + [step])
    end
  end

  def remove(node, steps, seen)
    step, *rest = steps
    here = "/#{(seen + [step]).join('/')}"
    case step.kind
    when :key
      raise Error, "#{here}: expected a map, found #{node.class}" unless node.is_a?(Hash)

      unless node.key?(step.name)
        return if step.optional

        raise Error, "#{here}: no such key; there are #{node.keys.join(', ')}"
      end
      rest.empty? ? node.delete(step.name) : remove(node[step.name], rest, seen + [step])
    when :append
      raise Error, "#{here}: - cannot be removed"
    else
      list(node, here)
      at = position(node, step, here)
      return if at.nil?
      raise Error, "#{here}: :#{step.where} is for replace" if %w[before after].include?(step.where)

      rest.empty? ? node.delete_at(at) : remove(node[at], rest, seen + [step])
    end
  end

  def list(node, here)
    raise Error, "#{here}: expected a list, found #{node.class}" unless node.is_a?(Array)
  end

  # Where in the list; nil where it may be missing and is.
  def position(node, step, here)
    at =
      if step.kind == :index
        step.name.negative? ? node.size + step.name : step.name
      else
        found = node.each_index.select { |index| node[index].is_a?(Hash) && node[index][step.name] == step.value }
        raise Error, "#{here}: #{found.size} elements match" if found.size > 1 || (found.empty? && !step.optional)

        found.first
      end
    return nil if at.nil?

    at += { "next" => 1, "prev" => -1 }.fetch(step.where, 0)
    raise Error, "#{here}: the list has #{node.size} elements" unless at.between?(0, node.size - 1)

    at
  end

  # What is made where something may be missing, by what comes next.
  def empty_for(step, here)
    case step.kind
    when :key then {}
    when :append, :match then []
    else raise Error, "#{here}: a list cannot be made for an index"
    end
  end

  def copy(value)
    case value
    when Hash then value.to_h { |key, inner| [key, copy(inner)] }
    when Array then value.map { |inner| copy(inner) }
    else value
    end
  end
end
