# Run within Redmine: the REST API on, a key for it, and the custom fields of the tests.
Setting.rest_api_enabled = '1'
admin = User.find_by_login('admin')
admin.update_columns(must_change_passwd: false)
Token.new(user: admin, action: 'api').save!
customer = ProjectCustomField.create!(name: 'Customer number', field_format: 'string', is_filter: true)
key = IssueCustomField.create!(name: 'Sync key', field_format: 'string', is_for_all: true, is_filter: true, trackers: Tracker.all)
note = IssueCustomField.create!(name: 'Note', field_format: 'string', is_for_all: true, trackers: Tracker.all)
time = TimeEntryCustomField.create!(name: 'Time note', field_format: 'string')
puts "READY #{admin.reload.api_key} #{customer.id} #{key.id} #{note.id} #{time.id}"
